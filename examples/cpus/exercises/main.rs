//! The exercises of this lesson: `cargo run -p main-runner -- check cpus`

// What is not written yet uses little.
#![allow(unused_imports, unused_mut, unused_variables, unreachable_code)]

#[path = "quota/check.rs"]
mod quota;
#[path = "shares/check.rs"]
mod shares;

fn main() -> std::process::ExitCode {
    exercises::main(&[quota::exercise(), shares::exercise()])
}
