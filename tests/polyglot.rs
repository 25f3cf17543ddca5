//! What the lesson `polyglot` and its tool promise, checked with real Node. A test target of its
//! package.

#[path = "polyglot/crowds.rs"]
mod crowds;
mod support;
#[path = "support/times.rs"]
mod times;
#[path = "polyglot/tool.rs"]
mod tool;
#[path = "support/trials.rs"]
mod trials;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use libtest_mimic::Arguments;
use support::{Run, root, served_address};
use trials::{needing_node, trial};
use visitors::{Seen, Visitor};

const LESSON: &str = env!("CARGO_BIN_EXE_polyglot");
const A_SECOND: Duration = Duration::from_secs(1);
/// A worker in Node and one in Rust, and two in Node.
const PAIRS: [&str; 2] = ["--port 0", "-- node APP"];

fn main() -> ExitCode {
    let tests = [crowds::tests(), tool::tests()].concat();
    let mut trials = needing_node(tests.into_iter().map(|(name, test)| trial(name, test)));
    trials.extend(tool::without_node());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

type Test = (&'static str, fn());

/// A program in Node, beside these tests.
fn script(name: &str) -> PathBuf {
    root().join("tests/polyglot").join(name)
}

/// The tool with these words; `APP` stands for a server in Node.
fn start(words: &str) -> Run {
    let app = script("app.mjs").display().to_string();
    let words: Vec<&str> = words
        .split_whitespace()
        .map(|word| if word == "APP" { app.as_str() } else { word })
        .collect();
    Run::of(Command::new(LESSON).args(words).env_remove("PORT"))
}

/// A server that stays, and how to get there.
fn stay(words: &str) -> (Run, Visitor) {
    let run = start(&format!("--stay {words}"));
    let visitor = Visitor::new(served_address(&run)).expect("on this machine");
    (run, visitor)
}

/// What an answer says of the worker that gave it.
fn name(seen: &Seen) -> String {
    match &seen.result {
        Ok(answer) if answer.is_success() => answer.text().trim().to_owned(),
        _ => panic!("not answered: {seen}"),
    }
}
