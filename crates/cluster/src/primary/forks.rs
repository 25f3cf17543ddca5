//! Starting workers: now, later, and again when that fails.

use std::time::{Duration, Instant};

use super::child::{Child, Parting};
use super::{Event, Primary};
use crate::{Error, Settings, WorkerId};

/// A fork that fails is tried again after this time, doubled with each failure up to the second
/// one. What keeps workers from starting (a file that is being replaced, a limit) is often over
/// soon; and then the service must not wait long for them.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));

/// How long a new worker has to ask for the listener of one that crashed.
const REPLACEMENT: Duration = Duration::from_secs(10);

/// How many workers are remembered after their exit was told.
const REMEMBERED: usize = 256;

/// A fork that is put off.
#[derive(Debug)]
pub(super) struct Due {
    at: Instant,
    worker: WorkerId,
    slot: u32,
    /// What it has of its own.
    extra: Settings,
    failures: u32,
}

/// A worker whose exit was told.
#[derive(Debug)]
pub(crate) struct Gone {
    worker: WorkerId,
    /// Which place it had: the number of the first worker there.
    pub(crate) slot: u32,
    /// How long it lived after it was online.
    pub(crate) lived: Option<Duration>,
    extra: Settings,
}

impl Primary {
    /// Starts a worker; Node's `cluster.fork()`.
    ///
    /// It is fork(2) by name only: the same program is started again, from the top, with the same
    /// arguments, and learns from its environment that it is a worker. Nothing is shared but the
    /// channel.
    ///
    /// # Errors
    /// [`Error::Spawn`] when the program cannot be started; the number is used up.
    /// [`Error::ShuttingDown`] after [`begin_shutdown`](Primary::begin_shutdown).
    pub fn fork(&mut self) -> Result<WorkerId, Error> {
        self.fork_with(Settings::new())
    }

    /// Starts a worker with settings of its own on top of the common ones; Node's
    /// `cluster.fork(env)`.
    ///
    /// # Errors
    /// As [`fork`](Primary::fork).
    pub fn fork_with(&mut self, extra: Settings) -> Result<WorkerId, Error> {
        if self.ending.is_some() {
            return Err(Error::ShuttingDown);
        }
        let worker = self.next_worker();
        self.start(worker, worker.get(), &extra)?;
        Ok(worker)
    }

    /// Starts a worker later, while [`next_event`](Primary::next_event) waits, and says which one
    /// that will be. It takes the place of `like`, with the settings that its fork had of its own,
    /// if that worker is still known. Until then a worker is due: `next_event` does not say `None`,
    /// and the listeners of a worker that crashed stay open.
    ///
    /// If it cannot be started then, [`Event::ForkFailed`] says so, and it is tried again.
    ///
    /// # Errors
    /// [`Error::ShuttingDown`] after [`begin_shutdown`](Primary::begin_shutdown).
    pub fn fork_after(
        &mut self,
        delay: Duration,
        like: Option<WorkerId>,
    ) -> Result<WorkerId, Error> {
        if self.ending.is_some() {
            return Err(Error::ShuttingDown);
        }
        let worker = self.next_worker();
        let inherited = like.and_then(|worker| self.place_of(worker));
        let (slot, extra) = inherited.unwrap_or_else(|| (worker.get(), Settings::new()));
        let now = Instant::now();
        // A delay of centuries is as good as one year, and does not overflow the clock.
        let at = now + delay.min(Duration::from_secs(365 * 24 * 3600));
        self.due.push(Due { at, worker, slot, extra, failures: 0 });
        Ok(worker)
    }

    /// Gives up a worker that is due. Says whether it was.
    pub fn cancel(&mut self, worker: WorkerId) -> bool {
        let before = self.due.len();
        self.due.retain(|due| due.worker != worker);
        self.due.len() < before
    }

    /// Keeps the listeners of workers that crashed open, although none is due: for a program that
    /// replaces them on a timer of its own. Meanwhile [`next_event`](Primary::next_event) does not
    /// say `None` either; it waits, for signals, a [`Waker`](crate::Waker), or the deadline of
    /// [`next_event_before`](Primary::next_event_before).
    /// [`begin_shutdown`](Primary::begin_shutdown) ends it.
    pub fn hold_listeners(&mut self, hold: bool) {
        self.holds_listeners = hold;
    }

    /// Whether the shutdown has begun.
    pub(crate) fn is_stopping(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether somebody may come although nobody is there.
    pub(super) fn expects_somebody(&self) -> bool {
        !self.due.is_empty() || (self.holds_listeners && self.ending.is_none())
    }

    /// When the next fork is due.
    pub(super) fn fork_due(&self) -> Option<Instant> {
        self.due.iter().map(|due| due.at).min()
    }

    /// Starts those whose time has come. One that cannot be started stays due, and is told.
    pub(super) fn fork_who_is_due(&mut self) {
        let now = Instant::now();
        let due = self.due.extract_if(.., |due| due.at <= now).collect::<Vec<Due>>();
        for mut due in due {
            if let Err(error) = self.start(due.worker, due.slot, &due.extra) {
                due.at = now + retry_delay(due.failures);
                due.failures += 1;
                let (worker, retry_at) = (due.worker, due.at);
                self.news.push_back(Event::ForkFailed { worker, error, retry_at });
                self.due.push(due);
            }
        }
    }

    fn start(&mut self, worker: WorkerId, slot: u32, extra: &Settings) -> Result<(), Error> {
        self.news.push_back(Event::Setup(Box::new(self.settings.clone())));
        let settings = self.settings.merged_with(extra.clone());
        let spawned = crate::spawn::spawn(&self.program, &settings, worker, self.scheduling_policy)
            .map_err(|(program, source)| Error::Spawn { worker, program, source })?;
        self.reserve.lift_for(spawned.pid);
        if let Some(time) = settings.take_within {
            self.switchboard.limit(worker, time);
        }
        self.workers.insert(worker, Child::new(spawned, &settings, extra.clone(), slot));
        self.news.push_back(Event::Fork(worker));
        Ok(())
    }

    /// A worker's exit is told: from now on it is only remembered, for who replaces it.
    pub(super) fn remember(&mut self, worker: WorkerId) {
        let Some(child) = self.workers.remove(&worker) else { return };
        let lived = child.lived();
        self.gone.push_back(Gone { worker, slot: child.slot, lived, extra: child.extra });
        if self.gone.len() > REMEMBERED {
            self.gone.pop_front();
        }
    }

    /// What is remembered of a worker whose exit was told.
    pub(crate) fn remembered(&self, worker: WorkerId) -> Option<&Gone> {
        self.gone.iter().rev().find(|gone| gone.worker == worker)
    }

    /// The slot of a worker, and what its fork had of its own.
    fn place_of(&self, worker: WorkerId) -> Option<(u32, Settings)> {
        let alive = self.workers.get(&worker).map(|child| (child.slot, child.extra.clone()));
        alive.or_else(|| self.remembered(worker).map(|gone| (gone.slot, gone.extra.clone())))
    }

    fn next_worker(&mut self) -> WorkerId {
        self.last_id += 1;
        WorkerId(self.last_id)
    }

    /// Until when somebody may come for what this worker left: its exit was only just told, or
    /// others were started since.
    pub(super) fn hope_after(&self, crashed: WorkerId) -> Option<Instant> {
        if self.ending.is_some() {
            return None;
        }
        let now = Instant::now();
        // The exit of one that crashed has not been told yet: only then can the program replace it.
        let untold = |child: &Child| child.parting == Parting::Sudden && child.is_reaped();
        if self.workers.values().any(untold) || self.expects_somebody() {
            return Some(now + REPLACEMENT);
        }
        // One that closed its channel ends as well, most likely; if it stays, nobody comes for it.
        let parted = self.workers.values().filter_map(|child| child.parted_at);
        let ending = parted.map(|at| at + REPLACEMENT).filter(|&until| until > now).max();
        let younger = self.workers.range(crashed..).map(|(_, child)| child);
        let hopeful = younger.filter(|child| child.parting != Parting::Agreed);
        let young = hopeful.map(|child| child.started + REPLACEMENT).filter(|&until| until > now);
        young.chain(ending).max()
    }
}

/// A fifth is added by chance, at most, so that workers that fail together are not all tried at the
/// same moment.
fn retry_delay(failures: u32) -> Duration {
    let (first, most) = RETRY;
    let doubled = first.saturating_mul(2u32.saturating_pow(failures)).min(most);
    doubled.mul_f64(1.0 + fastrand::f64() / 5.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_that_fails_is_tried_ever_more_slowly_up_to_three_seconds() {
        let delays = [0, 1, 4, 5, 9, u32::MAX].map(retry_delay);
        let expected = [100, 200, 1600, 3000, 3000, 3000].map(Duration::from_millis);
        for (delay, expected) in delays.into_iter().zip(expected) {
            assert!(delay >= expected && delay <= expected.mul_f64(1.2), "{delay:?}");
        }
    }
}
