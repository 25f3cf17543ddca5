//! The exercises of this lesson: `cargo run -p main-runner -- check ipc`

// What is not written yet uses little.
#![allow(unused_imports, unused_mut, unused_variables, unreachable_code)]

#[path = "all-but-one/check.rs"]
mod all_but_one;
#[path = "ask-everybody/check.rs"]
mod ask_everybody;
#[path = "by-number/check.rs"]
mod by_number;

fn main() -> std::process::ExitCode {
    exercises::main(&[
        all_but_one::exercise(),
        ask_everybody::exercise(),
        by_number::exercise(),
    ])
}
