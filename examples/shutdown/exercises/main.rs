//! The exercises of this lesson: `cargo run -p main-runner -- check shutdown`

// What is not written yet uses little.
#![allow(unused_imports, unused_mut, unused_variables, unreachable_code)]

#[path = "ask-first/check.rs"]
mod ask_first;
#[path = "door/check.rs"]
mod door;

fn main() -> std::process::ExitCode {
    exercises::main(&[ask_first::exercise(), door::exercise()])
}
