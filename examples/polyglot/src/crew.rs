//! What each worker is: this program, a server in Node, or any other program.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use cluster::{Error, Primary, Settings, WorkerId};
use narrator::{Failure, Outcome};

use crate::Args;

/// The program of a worker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind<'a> {
    Rust,
    Node,
    Other(&'a [OsString]),
}

impl fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Rust => write!(f, "Rust"),
            Kind::Node => write!(f, "Node"),
            Kind::Other(words) => {
                let words = words.iter().map(|word| word.to_string_lossy());
                f.write_str(&words.collect::<Vec<_>>().join(" "))
            }
        }
    }
}

/// The worker with this place in line, from 0.
pub(crate) fn kind(args: &Args, place: u32) -> Kind<'_> {
    match (&args.program[..], place % 2) {
        ([], 0) => Kind::Rust,
        ([], _) => Kind::Node,
        (program, _) => Kind::Other(program),
    }
}

/// Starts all of them.
pub(crate) fn fork(primary: &mut Primary, args: &Args) -> crate::Result<()> {
    for place in 0..args.workers {
        let kind = kind(args, place);
        fork_one(primary, kind).map_err(|error| explain(error, kind))?;
    }
    Ok(())
}

fn fork_one(primary: &mut Primary, kind: Kind) -> Result<WorkerId, Error> {
    let other = Settings::new();
    // ANCHOR: fork
    match kind {
        Kind::Rust => primary.fork(), // this program, once more
        Kind::Node => primary.fork_with(other.exec("node").args([server()])),
        Kind::Other(it) => primary.fork_with(other.exec(&it[0]).args(&it[1..])),
    }
    // ANCHOR_END: fork
}

pub(crate) fn server() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("server.mjs")
}

/// The server in Node lies beside the lesson's source, not in this program.
pub(crate) fn check_server(args: &Args) -> Outcome {
    if args.program.is_empty() && args.workers > 1 && !server().is_file() {
        let what = format!("the file {} is not there", server().display());
        let advice = "Start your own program: polyglot -- node app.mjs";
        return Err(Failure::new(what, advice).into());
    }
    Ok(())
}

fn explain(error: Error, kind: Kind) -> Failure {
    match &error {
        Error::Spawn { source, .. } => cannot_start(source, kind),
        _ => Failure::new(error.to_string(), error.advice()),
    }
}

/// Why a program does not start, and what to do about it.
pub(crate) fn cannot_start(error: &io::Error, kind: Kind) -> Failure {
    let is_node = match kind {
        Kind::Rust => false,
        Kind::Node => true,
        Kind::Other(words) => words[0] == "node",
    };
    if is_node && error.kind() == ErrorKind::NotFound {
        return Failure::new(
            "Node is not installed, or not on the PATH",
            "get Node 20 or newer from https://nodejs.org",
        );
    }
    Failure::new(
        format!("cannot start {kind}: {error}"),
        "Check the program's name, and that it is on the PATH.",
    )
}
