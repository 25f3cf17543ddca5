//! The exercises of this lesson: `cargo run -p main-runner -- check load-test`

// What is not written yet uses little.
#![allow(unused_imports, unused_mut, unused_variables, unreachable_code)]

#[path = "from-when-due/check.rs"]
mod from_when_due;
#[path = "percentile/check.rs"]
mod percentile;

fn main() -> std::process::ExitCode {
    exercises::main(&[percentile::exercise(), from_when_due::exercise()])
}
