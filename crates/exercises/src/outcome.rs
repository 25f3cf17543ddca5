//! What came of a judged run.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

use crate::finding::Finding;

/// The file that is the learner's.
pub(crate) const LEARNERS: &str = "exercise.rs";

/// What came of a judged run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Solved,
    /// It came to a `todo!`; where, and what it says.
    Todo {
        place: String,
        what: String,
    },
    Wrong {
        expected: String,
        seen: String,
    },
    /// It panicked; where, and with which words.
    Panic {
        place: String,
        message: String,
    },
    /// It returned an error, or ended in another unexpected way; in words.
    Failed(String),
    OutOfTime,
}

impl Outcome {
    /// Puts together what the processes of a run found out, and how the first one of them ended (not at all: out of time).
    pub(crate) fn of(findings: Vec<Finding>, status: Option<ExitStatus>) -> Outcome {
        let worst = findings.into_iter().min_by_key(rank);
        match (worst, status) {
            (Some(finding), _) if rank(&finding) == LEARNERS_PANIC => from(finding),
            (_, None) => Outcome::OutOfTime,
            (Some(finding), _) => from(finding),
            (None, Some(status)) => Outcome::Failed(format!("the program {}", ending(status))),
        }
    }
}

const LEARNERS_PANIC: u8 = 1;

/// Which finding says most: a panic of a worker, for example, more than that the primary missed it afterwards.
fn rank(finding: &Finding) -> u8 {
    match finding {
        Finding::Solved => 0,
        Finding::Panic { file, .. } if file.ends_with(LEARNERS) => LEARNERS_PANIC,
        Finding::Wrong { .. } => 2,
        Finding::Panic { .. } => 3,
        Finding::Error(_) => 4,
    }
}

fn from(finding: Finding) -> Outcome {
    match finding {
        Finding::Solved => Outcome::Solved,
        Finding::Wrong { expected, seen } => Outcome::Wrong { expected, seen },
        Finding::Error(error) => Outcome::Failed(format!("an error: {error}")),
        Finding::Panic { file, line, message } => {
            let place = format!("{file}:{line}");
            match message.strip_prefix("not yet implemented") {
                Some(what) => {
                    Outcome::Todo { place, what: what.trim_start_matches(": ").to_owned() }
                }
                None => Outcome::Panic { place, message },
            }
        }
    }
}

fn ending(status: ExitStatus) -> String {
    let name = |number| Signal::try_from(number).map_or("a signal", Signal::as_str);
    match (status.code(), status.signal().map(name)) {
        (Some(code), _) => format!("exited {code} before its work was done"),
        (None, signal) => format!("was killed by {}", signal.unwrap_or("somebody")),
    }
}
