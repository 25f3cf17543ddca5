//! The exercises of this lesson: `cargo run -p main-runner -- check polyglot`

// What is not written yet uses little.
#![allow(unused_imports, unused_mut, unused_variables, unreachable_code)]
// What is not written yet pushes nothing.
#![allow(clippy::ptr_arg)]

#[path = "internal/check.rs"]
mod internal;
#[path = "lines/check.rs"]
mod lines;

fn main() -> std::process::ExitCode {
    exercises::main(&[lines::exercise(), internal::exercise()])
}
