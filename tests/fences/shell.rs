//! Runs what stands behind a `$`.

use std::process::Command;
use std::time::Duration;

use crate::support::{Run, needs_node, node_is_here, root};

/// A lesson takes two seconds; this machine may do many things at once.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Other programs than ours and Node that pages start.
const OTHERS: [&str; 4] = ["taskset", "curl", "ss", "xargs"];

/// What the commands need and this machine lacks: the README promises that the tests need nothing
/// but Rust. With `REQUIRE_NODE` Node does not count as missing, and its commands fail.
pub fn is_missing(commands: &str) -> Option<&'static str> {
    let has = |word: &str| commands.split([' ', '(', '\n']).any(|it| it == word);
    let needs_node =
        has("node") || crate::support::lessons().iter().any(|it| needs_node(it) && has(it));
    if needs_node && std::env::var_os("REQUIRE_NODE").is_none() && node_is_here().is_err() {
        return Some("node");
    }
    let is_there = |it: &&str| Command::new(it).arg("--version").output().is_ok();
    OTHERS.into_iter().find(|it| has(it) && !is_there(it))
}

/// What the command prints, standard output and then standard error. It must exit with this status.
pub fn output(command: &str, status: i32) -> Result<String, String> {
    let output = start(command)?.finish(PATIENCE);
    let text = (output.stdout + &output.stderr).trim_end().to_owned();
    if output.status.code() == Some(status) {
        return Ok(text);
    }
    Err(format!("$ {command}\nexpected exit status {status}, found {}:\n{text}", output.status))
}

/// Starts the command through a shell, with `cargo run` replaced by the program that is built
/// already.
pub fn start(command: &str) -> Result<Run, String> {
    let runner = env!("CARGO_BIN_EXE_main-runner");
    let built = command.replace("cargo run -q -p main-runner --", &format!("'{runner}'"));
    if built.contains("cargo ") {
        return Err(format!("only the runner can be started from a page, not: {command}"));
    }
    let mut shell = Command::new("bash");
    shell.args(["-c", &built]).current_dir(root()).env_remove("RUST_BACKTRACE");
    Ok(Run::of(&mut shell))
}
