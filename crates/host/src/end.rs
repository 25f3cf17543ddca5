//! How workers left, in words.

use cluster::{Exit, Report, WorkerId};
use narrator::{Failure, Story};

/// Tells the end of a worker that was asked to leave.
pub fn tell_exit(story: &Story, worker: WorkerId, exit: Exit) {
    match exit {
        Exit::Code(_) => story.tell(worker, format!("{exit},"), "as asked"),
        _ => story.tell(worker, exit, ""),
    }
}

/// Tells how the whole service stopped.
pub fn tell_report(story: &Story, report: &Report) {
    let how = match &report.by_sigkill[..] {
        [] if report.is_clean() => "every worker left by itself".to_owned(),
        [] => "workers had to be warned".to_owned(),
        [worker] => format!("{worker} had to be killed"),
        more => format!("{} workers had to be killed", more.len()),
    };
    story.tell("primary", "has stopped:", how);
}

/// Why a service exits 1 although it was asked to stop.
pub fn killed() -> Failure {
    Failure::new("workers were killed", "See what they were busy with.")
}
