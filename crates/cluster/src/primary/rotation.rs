//! Round robin as plain data: who waits, and which connection goes to whom. Node's `round_robin_handle.js`.
//!
//! It is no circle of workers but a queue of those that wait: the longest wait is served first.

use std::collections::{BTreeMap, VecDeque};

use crate::WorkerId;

/// How many connections may wait in the primary for a worker. The next ones wait in the kernel's backlog.
const QUEUE: usize = 128;

/// How many calls of `accept` count in one worker. More threads than this do not wait; numbers like this come from a worker
/// that is no friend.
const CALLS: usize = 1024;

#[derive(Debug)]
pub(crate) struct Rotation<C> {
    members: BTreeMap<WorkerId, Member>,
    /// Workers that wait, the longest first; one that waits in several threads stands here several times.
    free: VecDeque<WorkerId>,
    queue: VecDeque<C>,
}

/// How a worker says that it waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Member {
    /// It says so itself, each time that its program waits in `accept`: how many connections it wants in all. Counted from its
    /// joining, so that it does not matter what is under way while it says so.
    SaysWhen { wanted: u64, given: u64 },
    /// It never says: it counts as waiting from the moment that it answered the last connection, as in Node.
    AlwaysWaits,
}

impl Member {
    pub(crate) fn says_when() -> Member {
        Member::SaysWhen { wanted: 0, given: 0 }
    }
}

impl<C> Rotation<C> {
    pub(crate) fn new() -> Rotation<C> {
        Rotation { members: BTreeMap::new(), free: VecDeque::new(), queue: VecDeque::new() }
    }

    pub(crate) fn join(&mut self, worker: WorkerId, member: Member) {
        self.members.insert(worker, member);
        if member == Member::AlwaysWaits {
            self.free.push_back(worker);
        }
    }

    pub(crate) fn contains(&self, worker: WorkerId) -> bool {
        self.members.contains_key(&worker)
    }

    pub(crate) fn says_when(&self, worker: WorkerId) -> bool {
        matches!(self.members.get(&worker), Some(Member::SaysWhen { .. }))
    }

    /// The worker's program waits in so many calls of `accept` that it wants `up_to` connections, since it joined.
    pub(crate) fn waits_up_to(&mut self, worker: WorkerId, up_to: u64) {
        if let Some(Member::SaysWhen { wanted, .. }) = self.members.get_mut(&worker) {
            *wanted = up_to;
            self.count_again(worker);
        }
    }

    /// Makes the worker stand in `free` as often as it wants connections that it was not given.
    fn count_again(&mut self, worker: WorkerId) {
        let Some(&Member::SaysWhen { wanted, given }) = self.members.get(&worker) else { return };
        let calls = usize::try_from(wanted.saturating_sub(given)).unwrap_or(CALLS).min(CALLS);
        let mut stands = self.free.iter().filter(|&&free| free == worker).count();
        while stands < calls {
            self.free.push_back(worker);
            stands += 1;
        }
        while stands > calls {
            // The youngest call goes on, as far as anybody can tell.
            let Some(at) = self.free.iter().rposition(|&free| free == worker) else { return };
            self.free.remove(at);
            stands -= 1;
        }
    }

    /// The worker took a connection, or has rested after it refused one.
    pub(crate) fn answered(&mut self, worker: WorkerId) {
        if self.members.get(&worker) == Some(&Member::AlwaysWaits) {
            self.free.push_back(worker);
        }
    }

    /// The worker never got what it was given, and has rested since.
    pub(crate) fn got_nothing(&mut self, worker: WorkerId) {
        if let Some(Member::SaysWhen { given, .. }) = self.members.get_mut(&worker) {
            *given = given.saturating_sub(1);
            self.count_again(worker);
        }
        self.answered(worker);
    }

    /// A new connection.
    pub(crate) fn offer(&mut self, connection: C) {
        self.queue.push_back(connection);
    }

    /// A connection that was handed out and not taken: it has waited longest.
    pub(crate) fn take_back(&mut self, connection: C) {
        self.queue.push_front(connection);
    }

    /// The next connection, and who gets it.
    pub(crate) fn hand_out(&mut self) -> Option<(WorkerId, C)> {
        if self.queue.is_empty() {
            return None;
        }
        let worker = self.free.pop_front()?;
        if let Some(Member::SaysWhen { given, .. }) = self.members.get_mut(&worker) {
            *given += 1;
        }
        Some((worker, self.queue.pop_front()?))
    }

    /// Removes a worker. Returns whether it was a member, and the last one.
    pub(crate) fn leave(&mut self, worker: WorkerId) -> bool {
        self.free.retain(|&free| free != worker);
        self.members.remove(&worker).is_some() && self.members.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether the worker waits for a connection.
    pub(crate) fn is_free(&self, worker: WorkerId) -> bool {
        self.free.contains(&worker)
    }

    /// How many calls of `accept` wait, as far as is known.
    pub(crate) fn free(&self) -> usize {
        self.free.len()
    }

    /// Whether more connections should be accepted from the kernel.
    pub(crate) fn has_room(&self) -> bool {
        self.queue.len() < QUEUE
    }
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
