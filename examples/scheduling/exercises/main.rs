//! The exercises of this lesson: `cargo run -p main-runner -- check scheduling`

// What is not written yet uses little.
#![allow(unused_imports, unused_mut, unused_variables, unreachable_code)]

#[path = "least-busy/check.rs"]
mod least_busy;
#[path = "round-robin/check.rs"]
mod round_robin;

fn main() -> std::process::ExitCode {
    exercises::main(&[round_robin::exercise(), least_busy::exercise()])
}
