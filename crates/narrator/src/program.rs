//! A lesson as a program: its arguments, and its exit code.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::failure::{Outcome, report};
use crate::sentence::WIDEST;
use crate::stage::complain_at_the_end;

/// The command line of `A`, with help at most 80 columns wide.
pub fn command<A: CommandFactory>() -> clap::Command {
    A::command().max_term_width(WIDEST)
}

/// The arguments of this program.
///
/// A primary that was called wrongly, or asked for `--help`, ends here, with clap's message and exit
/// code. A worker never does: a foreign primary starts it with arguments that are not ours, and then
/// it takes the values that an empty command line gives.
pub fn arguments<A: Parser + Default>(is_worker: bool) -> A {
    let parsed = command::<A>().try_get_matches().and_then(|matches| {
        A::from_arg_matches(&matches).map_err(|e| e.format(&mut command::<A>()))
    });
    match parsed {
        Ok(arguments) => arguments,
        Err(error) if !is_worker => error.exit(),
        // Not `Default` at once: it knows nothing of `#[arg(default_value)]`.
        Err(_) => A::try_parse_from(["worker"]).unwrap_or_default(),
    }
}

/// Runs a program to its exit code: 0, or 1 after a failure, which it reports on standard error.
///
/// A failure of two lines is shown as `error: ...` and `help: ...`.
pub fn run(program: impl FnOnce() -> Outcome) -> ExitCode {
    match program() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain_at_the_end(&report(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}
