//! The exercises of this lesson:
//! `cargo run -p main-runner -- check http-server`

// What is not written yet uses little.
#![allow(unused_imports, unused_mut, unused_variables, unreachable_code)]

#[path = "hello/check.rs"]
mod hello;
#[path = "not-found/check.rs"]
mod not_found;

fn main() -> std::process::ExitCode {
    exercises::main(&[hello::exercise(), not_found::exercise()])
}
