//! Runs the program that a lesson rebuilds, in Node.

use std::ffi::OsString;
use std::io;
use std::process::Command;

use narrator::Failure;

use crate::lessons::Entry;
use crate::nearest::RUNNER;
use crate::{Ending, waiting};

/// Runs `node.mjs` of the lesson and ends as it ends. `MAIN_RUNNER` names this program, for a telling with workers in Rust.
pub fn run(lesson: &Entry, arguments: &[OsString]) -> Ending {
    let name = &lesson.name;
    let program = lesson.folder().join("node.mjs");
    if !program.exists() {
        return Err(Box::new(Failure::new(
            format!("the file {} is not there", program.display()),
            format!("start the runner inside the lessons' folder: {RUNNER} -- node {name}"),
        )));
    }
    let mut node = Command::new("node");
    node.arg(program).args(arguments).env("MAIN_RUNNER", std::env::current_exe()?);
    let child = node.spawn().map_err(explain)?;
    Ok(waiting::ends_like(waiting::for_child(child)?))
}

fn explain(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        Failure::new(
            "Node is not installed, or not on the PATH",
            "get Node 20 or newer from https://nodejs.org; only this command needs it",
        )
    } else {
        Failure::new(format!("Node does not start: {error}"), "try: node --version")
    }
}
