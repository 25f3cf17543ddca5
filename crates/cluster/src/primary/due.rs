//! Forks that are put off, and the places that replacements take over.

use std::time::{Duration, Instant};

use super::Primary;
use super::child::Child;
use crate::{Error, Settings, WorkerId};

/// A fork that is put off.
#[derive(Debug)]
pub(super) struct Due {
    pub at: Instant,
    worker: WorkerId,
    slot: u32,
    /// What it has of its own.
    extra: Settings,
}

/// A worker that was told gone.
#[derive(Debug)]
pub(crate) struct Gone {
    worker: WorkerId,
    /// Which place it had: the number of the first worker there. A replacement has the same.
    pub slot: u32,
    /// How long it lived after it was online; `None` if it never was.
    pub lived: Option<Duration>,
    /// What its fork had of its own.
    extra: Settings,
}

impl Gone {
    pub(super) fn new(worker: WorkerId, child: Child) -> Gone {
        Gone { worker, slot: child.slot, lived: child.lived(), extra: child.extra }
    }
}

impl Primary {
    /// Starts a worker later, while [`next_event`](Primary::next_event) waits; returns the number
    /// that it will have. It gets the settings that `like` had of its own, if that worker is still
    /// known, and takes its place if it is gone. Until then a worker is due: `next_event` does not
    /// say `None`, and the listeners of a worker that crashed stay open.
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
        let worker = self.reserve();
        let slot =
            like.and_then(|like| self.last_words(like)).map_or(worker.get(), |gone| gone.slot);
        let extra = like.and_then(|like| self.extra_of(like)).unwrap_or_default();
        // A delay of centuries is as good as one year, and does not overflow the clock.
        let at = Instant::now() + delay.min(Duration::from_secs(365 * 24 * 3600));
        self.due.push(Due { at, worker, slot, extra });
        Ok(worker)
    }

    /// What a worker's fork had of its own: of one that is there, or whose exit was the last event
    /// told.
    fn extra_of(&self, worker: WorkerId) -> Option<Settings> {
        let gone = self.last_words(worker).map(|gone| &gone.extra);
        self.workers.get(&worker).map(|child| &child.extra).or(gone).cloned()
    }

    /// What is known of a worker whose exit was the last event of an exit told.
    pub(crate) fn last_words(&self, worker: WorkerId) -> Option<&Gone> {
        self.gone.as_ref().filter(|gone| gone.worker == worker)
    }

    pub(super) fn fork_who_is_due(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        // One that fails is told at once; the others stay due.
        while let Some(at) = self.due.iter().position(|due| due.at <= now) {
            let Due { worker, slot, extra, .. } = self.due.remove(at);
            self.start(worker, slot, extra)?;
        }
        Ok(())
    }
}
