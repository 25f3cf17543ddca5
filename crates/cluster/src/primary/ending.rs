//! The shutdown as plain data: who was asked how firmly, and when the next step is due.

use std::time::{Duration, Instant};

use super::event::Report;
use crate::{Exit, WorkerId};

/// SIGKILL follows SIGTERM after the grace, but no later than this.
const LONGEST_LAST_GRACE: Duration = Duration::from_secs(1);

/// How firmly those are asked that are still there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Firmness {
    Terminate,
    Kill,
}

#[derive(Debug)]
pub(crate) struct Ending {
    terminate_at: Instant,
    kill_at: Instant,
    reached: Option<Firmness>,
    /// The workers were asked to close their channels: what had arrived is served, or the grace is
    /// over.
    disconnected: bool,
    /// Workers that were gone before it began, and are not reaped yet.
    left_out: Vec<WorkerId>,
    terminated: Vec<WorkerId>,
    killed: Vec<WorkerId>,
    /// Until it is told.
    report: Option<Report>,
}

impl Ending {
    pub(crate) fn new(now: Instant, grace: Duration) -> Ending {
        let mut ending = Ending {
            terminate_at: now,
            kill_at: now,
            reached: None,
            disconnected: false,
            left_out: Vec::new(),
            terminated: Vec::new(),
            killed: Vec::new(),
            report: Some(Report::default()),
        };
        ending.set_deadlines(now, grace);
        ending
    }

    /// Takes note of workers that are gone already: the report is not about them.
    pub(crate) fn leave_out(&mut self, workers: impl Iterator<Item = WorkerId>) {
        self.left_out.extend(workers);
    }

    /// A second shutdown can only hurry the first one.
    pub(crate) fn hurry(&mut self, now: Instant, grace: Duration) {
        let hurried = Ending::new(now, grace);
        self.terminate_at = self.terminate_at.min(hurried.terminate_at);
        self.kill_at = self.kill_at.min(hurried.kill_at);
    }

    fn set_deadlines(&mut self, now: Instant, grace: Duration) {
        // A grace of centuries is as good as one year, and does not overflow the clock.
        let grace = grace.min(Duration::from_secs(365 * 24 * 3600));
        self.terminate_at = now + grace;
        self.kill_at = self.terminate_at + grace.min(LONGEST_LAST_GRACE);
    }

    /// When the next step is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.reached {
            None => Some(self.terminate_at),
            Some(Firmness::Terminate) => Some(self.kill_at),
            Some(Firmness::Kill) => None,
        }
    }

    /// The step that is due now, if one is. Each comes once.
    pub(crate) fn step(&mut self, now: Instant) -> Option<Firmness> {
        if self.deadline()? > now {
            return None;
        }
        self.reached = Some(match self.reached {
            None => Firmness::Terminate,
            Some(_) => Firmness::Kill,
        });
        self.reached
    }

    /// Takes note that a worker was sent a signal.
    pub(crate) fn signalled(&mut self, worker: WorkerId, firmness: Firmness) {
        match firmness {
            Firmness::Terminate => self.terminated.push(worker),
            Firmness::Kill => self.killed.push(worker),
        }
    }

    /// Takes note that a worker is gone, and of what it died, if it did not leave.
    pub(crate) fn gone(&mut self, worker: WorkerId, died_of: Option<Exit>) {
        let Some(report) = &mut self.report else { return };
        if self.killed.contains(&worker) {
            report.by_sigkill.push(worker);
        } else if self.terminated.contains(&worker) {
            report.by_sigterm.push(worker);
        } else if self.left_out.contains(&worker) {
            // It was gone before.
        } else if let Some(exit) = died_of {
            report.died.push((worker, exit));
        } else {
            report.by_itself.push(worker);
        }
    }

    /// Takes note that all workers were asked to close their channels. Says whether this is the
    /// first time.
    pub(crate) fn disconnect(&mut self) -> bool {
        !std::mem::replace(&mut self.disconnected, true)
    }

    /// Whether what has arrived is still being served.
    pub(crate) fn is_draining(&self) -> bool {
        !self.disconnected
    }

    /// The report, once.
    pub(crate) fn report(&mut self, cut_off: usize) -> Option<Report> {
        self.report.take().map(|report| Report { cut_off, ..report })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_millis(300);

    #[test]
    fn nothing_is_due_before_the_grace_is_over_then_each_step_once() {
        let start = Instant::now();
        let mut ending = Ending::new(start, GRACE);
        assert_eq!(ending.step(start + GRACE / 2), None);
        assert_eq!(ending.step(start + GRACE), Some(Firmness::Terminate));
        assert_eq!(ending.step(start + GRACE), None);
        assert_eq!(ending.step(start + GRACE * 2), Some(Firmness::Kill));
        assert_eq!((ending.step(start + GRACE * 9), ending.deadline()), (None, None));
    }

    #[test]
    fn a_long_grace_is_followed_by_one_second_only() {
        let start = Instant::now();
        let mut ending = Ending::new(start, Duration::from_secs(60));
        ending.step(start + Duration::from_secs(60));
        assert_eq!(ending.deadline(), Some(start + Duration::from_secs(61)));
        Ending::new(start, Duration::MAX); // does not overflow
    }

    #[test]
    fn a_second_shutdown_hurries_the_first_and_never_slows_it() {
        let start = Instant::now();
        let mut ending = Ending::new(start, GRACE);
        ending.hurry(start, GRACE * 10);
        assert_eq!(ending.deadline(), Some(start + GRACE));
        ending.hurry(start, Duration::ZERO);
        assert_eq!(ending.step(start), Some(Firmness::Terminate));
        assert_eq!(ending.step(start), Some(Firmness::Kill));
    }

    #[test]
    fn the_report_says_what_each_worker_needed() {
        let mut ending = Ending::new(Instant::now(), GRACE);
        let [one, two, three, four, five] = [1, 2, 3, 4, 5].map(WorkerId);
        ending.leave_out([five].into_iter());
        ending.gone(five, Some(Exit::Signal(crate::Signal::SIGKILL)));
        ending.gone(one, None);
        ending.signalled(two, Firmness::Terminate);
        ending.signalled(three, Firmness::Terminate);
        ending.gone(two, Some(Exit::Signal(crate::Signal::SIGTERM)));
        ending.signalled(three, Firmness::Kill);
        ending.gone(three, Some(Exit::Signal(crate::Signal::SIGKILL)));
        ending.gone(four, Some(Exit::Code(101)));
        let report = ending.report(0).unwrap();
        assert_eq!(report.by_itself, [one]);
        assert_eq!(report.by_sigterm, [two]);
        assert_eq!(report.by_sigkill, [three]);
        assert_eq!(report.died, [(four, Exit::Code(101))]);
        assert!(!report.is_clean());
    }

    #[test]
    fn each_kind_of_end_but_the_asked_one_makes_a_report_unclean() {
        let one = WorkerId(1);
        let clean = Report { by_itself: vec![one], ..Report::default() };
        assert!(clean.is_clean());
        let by_sigterm = Report { by_sigterm: vec![one], ..clean.clone() };
        let by_sigkill = Report { by_sigkill: vec![one], ..clean.clone() };
        let died = Report { died: vec![(one, Exit::Code(3))], ..clean.clone() };
        let cut_off = Report { cut_off: 1, ..clean };
        for report in [by_sigterm, by_sigkill, died, cut_off] {
            assert!(!report.is_clean(), "{report:?}");
        }
    }

    #[test]
    fn all_are_asked_to_close_their_channels_once() {
        let mut ending = Ending::new(Instant::now(), GRACE);
        assert!(ending.is_draining());
        assert!(ending.disconnect() && !ending.disconnect() && !ending.is_draining());
    }
}
