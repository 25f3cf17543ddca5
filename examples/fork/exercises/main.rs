//! The exercises of this lesson: `cargo run -p main-runner -- check fork`

// What is not written yet uses little.
#![allow(unused_imports, unused_mut, unused_variables, unreachable_code)]

#[path = "counter/check.rs"]
mod counter;
#[path = "one-per-cpu/check.rs"]
mod one_per_cpu;

fn main() -> std::process::ExitCode {
    exercises::main(&[one_per_cpu::exercise(), counter::exercise()])
}
