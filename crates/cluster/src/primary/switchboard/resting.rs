//! Who rests, because trying again at once would be trying without end.

use std::time::Instant;

use super::listener::ListenerId;
use crate::WorkerId;
use crate::rest::REST;

/// A worker that a connection came back from, although it may wait for one.
#[derive(Debug)]
struct Rest {
    until: Instant,
    worker: WorkerId,
    listener: ListenerId,
}

#[derive(Debug, Default)]
pub(super) struct Resting(Vec<Rest>);

impl Resting {
    pub(super) fn rest(&mut self, worker: WorkerId, listener: ListenerId, now: Instant) {
        self.0.push(Rest { until: now + REST, worker, listener });
    }

    /// Those that have rested.
    pub(super) fn rested(&mut self, now: Instant) -> Vec<(WorkerId, ListenerId)> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let rested = self.0.extract_if(.., |rest| rest.until <= now);
        rested.map(|rest| (rest.worker, rest.listener)).collect()
    }

    /// The worker uses this listener no more, or none (`None`).
    pub(super) fn forget(&mut self, worker: WorkerId, listener: Option<ListenerId>) {
        self.0.retain(|it| it.worker != worker || listener.is_some_and(|only| only != it.listener));
    }

    /// When the next one has rested.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.iter().map(|rest| rest.until).min()
    }
}
