//! How a lesson tells its story: one sentence per line, actor, verb, object.

use std::error::Error;
use std::fmt::{self, Display};
use std::process::ExitCode;

/// What a lesson's `run` returns.
pub type Outcome = Result<(), Box<dyn Error>>;

/// The flags that every lesson has; each lesson flattens them into its own.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Telling {
    /// Show the process id of each actor
    #[arg(long)]
    pub pids: bool,
}

/// A story being told.
#[derive(Clone, Debug)]
pub struct Story;

impl Story {
    /// Begins a story.
    ///
    /// # Errors
    /// When the record file cannot be created.
    pub fn begin(_telling: &Telling) -> Result<Story, Failure> {
        Ok(Story)
    }

    /// Tells one sentence.
    pub fn tell(&self, actor: impl Display, verb: impl Display, object: impl Display) {
        anstream::println!("{actor:<9} {verb} {object}");
    }
}

/// A failure that a person reads: what happened, and what to do about it.
#[derive(Debug)]
pub struct Failure {
    what: String,
    advice: String,
}

impl Failure {
    /// A failure from its two lines.
    pub fn new(what: impl Into<String>, advice: impl Into<String>) -> Failure {
        Failure { what: what.into(), advice: advice.into() }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if f.alternate() { write!(f, "\n{}", self.advice) } else { Ok(()) }
    }
}

impl Error for Failure {}

/// The arguments of this program. A worker of a foreign primary gets arguments that are not ours: it takes the defaults.
pub fn arguments<A: clap::Parser + Default>(is_worker: bool) -> A {
    if is_worker { A::try_parse().unwrap_or_default() } else { A::parse() }
}

/// Runs a program to its exit code and reports a failure in two lines.
pub fn run(program: impl FnOnce() -> Outcome) -> ExitCode {
    match program() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
