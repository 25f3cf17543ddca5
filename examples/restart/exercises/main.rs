//! The exercises of this lesson: `cargo run -p main-runner -- check restart`

// What is not written yet uses little.
#![allow(unused_imports, unused_mut, unused_variables, unreachable_code)]

#[path = "exit-7/check.rs"]
mod exit_7;
#[path = "give-up/check.rs"]
mod give_up;
#[path = "one-by-one/check.rs"]
mod one_by_one;

fn main() -> std::process::ExitCode {
    exercises::main(&[
        exit_7::exercise(),
        give_up::exercise(),
        one_by_one::exercise(),
    ])
}
