//! How workers ended, in words.

use std::fmt::Display;

use cluster::{Exit, Report, WorkerId};
use narrator::{Failure, Story};
use nix::sys::wait::WaitStatus;

/// What to do about a worker that died.
const LOOK: &str = "See above what it said, and whether somebody killed it or memory was short.";

/// What stands behind how a worker ended: `exits 0, as asked`. To leave when asked is to exit with
/// code 0, and nothing else.
pub fn why(exit: Exit, asked: bool) -> &'static str {
    match (asked, exit.success()) {
        (true, true) => "as asked",
        (true, false) => "after it was asked to leave",
        (false, _) => "not asked",
    }
}

/// Tells the end of a worker that was asked to leave.
pub fn tell_exit(story: &Story, worker: WorkerId, exit: Exit) {
    story.tell(worker, format!("{exit},"), why(exit, true));
}

/// How the workers of a story that ends by itself ended. One that was asked to leave and ended
/// otherwise is the story's failure, but only in the end: what becomes of the others is told first.
#[derive(Debug, Default)]
pub struct Ends {
    trouble: Option<String>,
}

impl Ends {
    /// Tells how a worker ended, and notes it.
    ///
    /// # Errors
    /// When nobody had asked it to leave: then most stories cannot go on.
    pub fn tell(
        &mut self,
        story: &Story,
        worker: impl Display,
        exit: Exit,
        asked: bool,
    ) -> Result<(), Failure> {
        story.tell(&worker, format!("{exit},"), why(exit, asked));
        self.note(&worker, exit, asked);
        if asked { Ok(()) } else { Err(failure(&worker, exit, asked)) }
    }

    /// Notes how a worker ended, where the story tells it in words of its own.
    pub fn note(&mut self, worker: impl Display, exit: Exit, asked: bool) {
        if self.trouble.is_none() && !(asked && exit.success()) {
            self.trouble = Some(failure(worker, exit, asked).to_string());
        }
    }

    /// Nothing, if all left as they were asked to.
    ///
    /// # Errors
    /// The first that did not, and how it ended.
    pub fn outcome(self) -> Result<(), Failure> {
        self.trouble.map_or(Ok(()), |what| Err(Failure::new(what, LOOK)))
    }
}

fn failure(worker: impl Display, exit: Exit, asked: bool) -> Failure {
    Failure::new(format!("{worker} {exit}, {}", why(exit, asked)), LOOK)
}

/// How a process ended, as waitpid(2) says.
pub fn ended(status: WaitStatus) -> Exit {
    match status {
        WaitStatus::Exited(_, code) => Exit::Code(code),
        WaitStatus::Signaled(_, signal, _) => Exit::Signal(signal),
        _ => Exit::Unknown, // stopped or continued: only told to those who ask for it
    }
}

/// Tells how the whole service stopped.
pub fn tell_report(story: &Story, report: &Report) {
    tell_stopped(story, trouble(report).as_deref());
}

/// The same, where it is in words already: who did not leave by itself, if anybody.
pub fn tell_stopped(story: &Story, trouble: Option<&str>) {
    story.tell("primary", "has stopped:", trouble.unwrap_or("every worker left by itself"));
}

/// Why a service exits 1 although it was asked to stop.
pub fn not_clean(report: &Report) -> Failure {
    match &report.died[..] {
        [] => Failure::new(trouble(report).unwrap_or_default(), "See what kept it busy."),
        [(worker, exit), ..] => failure(worker, *exit, true),
    }
}

fn trouble(report: &Report) -> Option<String> {
    let died: Vec<WorkerId> = report.died.iter().map(|(worker, _)| *worker).collect();
    who_did_not_leave(&report.by_sigkill, &report.by_sigterm, &died)
}

/// Who did not leave by itself, in words: who had to be killed, who left only when warned, and who
/// died of something else.
pub fn who_did_not_leave<T: Display>(killed: &[T], warned: &[T], died: &[T]) -> Option<String> {
    let groups = [
        (killed, "had to be killed"),
        (warned, "had to be ended by SIGTERM"),
        (died, "did not leave as asked"),
    ];
    let groups = groups.iter().filter_map(|(workers, how)| match workers {
        [] => None,
        [worker] => Some(format!("{worker} {how}")),
        more => Some(format!("{} workers {how}", more.len())),
    });
    let groups: Vec<String> = groups.collect();
    (!groups.is_empty()).then(|| groups.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::Signal;

    #[test]
    fn only_code_0_is_as_asked() {
        for (exit, asked, expected) in [
            (Exit::Code(0), true, "as asked"),
            (Exit::Code(101), true, "after it was asked to leave"),
            (Exit::Signal(Signal::SIGKILL), true, "after it was asked to leave"),
            (Exit::Unknown, true, "after it was asked to leave"),
            (Exit::Code(0), false, "not asked"),
            (Exit::Signal(Signal::SIGKILL), false, "not asked"),
        ] {
            assert_eq!(why(exit, asked), expected, "{exit:?}");
        }
    }

    #[test]
    fn the_first_worker_that_ended_otherwise_is_the_failure() {
        let mut ends = Ends::default();
        ends.note("worker 1", Exit::Code(0), true);
        assert!(ends.trouble.is_none());
        ends.note("worker 2", Exit::Code(7), true);
        ends.note("worker 3", Exit::Signal(Signal::SIGSEGV), true);
        let failure = ends.outcome().unwrap_err();
        assert_eq!(failure.to_string(), "worker 2 exits 7, after it was asked to leave");
    }

    #[test]
    fn everybody_who_did_not_leave_by_himself_is_told() {
        let one = ["worker 1"];
        assert_eq!(who_did_not_leave::<&str>(&[], &[], &[]), None);
        assert_eq!(who_did_not_leave(&one, &[], &[]).unwrap(), "worker 1 had to be killed");
        assert_eq!(
            who_did_not_leave(&one, &["worker 2"], &["worker 3", "worker 4"]).unwrap(),
            "worker 1 had to be killed, worker 2 had to be ended by SIGTERM, \
             2 workers did not leave as asked"
        );
    }
}
