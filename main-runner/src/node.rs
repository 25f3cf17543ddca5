//! Runs the program that a lesson rebuilds, in Node.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::Command;

use narrator::Failure;

use crate::lessons::Entry;
use crate::nearest::RUNNER;
use crate::{Ending, waiting};

/// How Node exits after an error that nobody caught, as for a flag that the program does not know.
const UNCAUGHT: i32 = 1;

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
    let status = waiting::for_child(child)?;
    if status.code() == Some(UNCAUGHT) && !arguments.is_empty() {
        let mut err = anstream::stderr();
        writeln!(err, "help: its flags are at the top of examples/{name}/node.mjs")?;
    }
    Ok(waiting::ends_like(status))
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
