//! How workers left, in words.

use cluster::{Exit, Report, WorkerId};
use narrator::{Failure, Story};

/// Tells the end of a worker that was asked to leave. Only code 0 is what it was asked for.
pub fn tell_exit(story: &Story, worker: WorkerId, exit: Exit) {
    match exit {
        Exit::Code(0) => story.tell(worker, format!("{exit},"), "as asked"),
        _ => story.tell(worker, format!("{exit},"), "although it was only asked to leave"),
    }
}

/// Tells how the whole service stopped.
pub fn tell_report(story: &Story, report: &Report) {
    let how = match (&report.by_sigkill[..], &report.died[..]) {
        ([], []) if report.is_clean() => "every worker left by itself".to_owned(),
        ([], [(worker, exit)]) => format!("{worker} {exit} on the way"),
        ([], more @ [_, ..]) => format!("{} workers died on the way", more.len()),
        ([], []) => "workers had to be warned".to_owned(),
        ([worker], _) => format!("{worker} had to be killed"),
        (more, _) => format!("{} workers had to be killed", more.len()),
    };
    story.tell("primary", "has stopped:", how);
}

/// Why a service exits 1 although it was asked to stop.
pub fn not_clean(report: &Report) -> Failure {
    match &report.died[..] {
        [] => Failure::new("workers were killed", "See what they were busy with."),
        [(worker, exit), ..] => Failure::new(
            format!("while the service stopped, {worker} {exit}"),
            "See above what it said, and whether somebody killed it or memory was short.",
        ),
    }
}
