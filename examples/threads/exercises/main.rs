//! The exercises of this lesson: `cargo run -p main-runner -- check threads`

// What is not written yet uses little.
#![allow(unused_imports, unused_mut, unused_variables, unreachable_code)]

#[path = "one-panic/check.rs"]
mod one_panic;
#[path = "share-out/check.rs"]
mod share_out;

fn main() -> std::process::ExitCode {
    exercises::main(&[share_out::exercise(), one_panic::exercise()])
}
