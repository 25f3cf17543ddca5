//! The lesson as a tool.

// Each test target uses a part of this.
#![allow(dead_code)]

use std::time::Duration;

use serde_json::Value;

use crate::support::{Output, Run, typed};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_calculate");

/// All that is computed here takes a moment, on a machine that is not busy with other things.
pub const IN_TIME: Duration = Duration::from_secs(60);

pub fn start(words: &str) -> Run {
    typed(PROGRAM, words)
}

pub fn run(words: &str) -> Output {
    start(words).finish(IN_TIME)
}

pub fn json(words: &str) -> Value {
    let output = run(&format!("{words} --json"));
    assert!(output.status.success(), "{words}: {output:#?}");
    assert_eq!(output.stdout.lines().count(), 1, "{words}");
    serde_json::from_str(&output.stdout).expect("a line of JSON")
}

pub fn result(words: &str) -> String {
    json(words)["result"].as_str().expect("the result is a text").to_owned()
}
