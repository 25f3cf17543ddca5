//! Round robin as plain data: who waits, and which connection goes to whom. Node's
//! `round_robin_handle.js`.
//!
//! It is no circle of workers but a queue of those that wait: the longest wait is served first.

use std::collections::{BTreeMap, VecDeque};

use crate::WorkerId;

/// How many connections may wait in the primary for a worker. The next ones wait in the kernel's
/// backlog.
const QUEUE: usize = 128;

/// How many calls of `accept` count in one worker. More threads than this do not wait; numbers like
/// this come from a worker that is no friend.
const CALLS: usize = 1024;

#[derive(Debug)]
pub(super) struct Rotation<C> {
    members: BTreeMap<WorkerId, Member>,
    /// Workers that wait, the longest wait first. Each stands here once, however many of its
    /// threads wait.
    free: VecDeque<WorkerId>,
    /// How many calls of `accept` wait in all of them.
    calls: usize,
    queue: VecDeque<C>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Member {
    says: Says,
    /// How many of its calls of `accept` wait. It stands in `free` while there are some.
    calls: usize,
    /// It cannot be given anything, whatever it says.
    deaf: bool,
}

/// How a worker says that it waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Says {
    /// It says so itself, each time that its program waits in `accept`: how many connections it
    /// wants in all. Counted from its joining, so that it does not matter what is under way while
    /// it says so.
    When { wanted: u64, given: u64 },
    /// It never says: it counts as waiting from the moment that it answered the last connection, as
    /// in Node.
    Nothing,
}

impl Says {
    pub(super) fn when() -> Says {
        Says::When { wanted: 0, given: 0 }
    }
}

impl<C> Rotation<C> {
    pub(super) fn new() -> Rotation<C> {
        Rotation {
            members: BTreeMap::new(),
            free: VecDeque::new(),
            calls: 0,
            queue: VecDeque::new(),
        }
    }

    pub(super) fn join(&mut self, worker: WorkerId, says: Says) {
        self.leave(worker);
        self.members.insert(worker, Member { says, calls: 0, deaf: false });
        self.answered(worker);
    }

    pub(super) fn contains(&self, worker: WorkerId) -> bool {
        self.members.contains_key(&worker)
    }

    pub(super) fn says_when(&self, worker: WorkerId) -> bool {
        self.members.get(&worker).is_some_and(|member| member.says != Says::Nothing)
    }

    /// The worker's program waits in so many calls of `accept` that it wants `up_to` connections,
    /// since it joined.
    pub(super) fn waits_up_to(&mut self, worker: WorkerId, up_to: u64) {
        self.count(worker, |says| {
            if let Says::When { wanted, .. } = says {
                *wanted = up_to;
            }
        });
    }

    /// The worker took a connection, or has rested after it refused one.
    pub(super) fn answered(&mut self, worker: WorkerId) {
        if self.members.get(&worker).is_some_and(|member| member.says == Says::Nothing) {
            self.set_calls(worker, 1);
        }
    }

    /// The worker never got what it was given, and has rested since.
    pub(super) fn got_nothing(&mut self, worker: WorkerId) {
        self.count(worker, |says| {
            if let Says::When { given, .. } = says {
                *given = given.saturating_sub(1);
            }
        });
        self.answered(worker);
    }

    /// The worker's channel takes nothing any more. It stays a member, and gets nothing.
    pub(super) fn takes_no_more(&mut self, worker: WorkerId) {
        if let Some(member) = self.members.get_mut(&worker) {
            member.deaf = true;
            self.set_calls(worker, 0);
        }
    }

    /// Changes what a worker said that says when it waits, and counts its calls again.
    fn count(&mut self, worker: WorkerId, change: impl FnOnce(&mut Says)) {
        let Some(member) = self.members.get_mut(&worker) else { return };
        change(&mut member.says);
        if let Says::When { wanted, given } = member.says {
            let calls = usize::try_from(wanted.saturating_sub(given)).unwrap_or(CALLS);
            self.set_calls(worker, calls.min(CALLS));
        }
    }

    fn set_calls(&mut self, worker: WorkerId, calls: usize) {
        let Some(member) = self.members.get_mut(&worker) else { return };
        let calls = if member.deaf { 0 } else { calls };
        let before = std::mem::replace(&mut member.calls, calls);
        self.calls = self.calls - before + calls;
        match (before, calls) {
            (0, 1..) => self.free.push_back(worker),
            (1.., 0) => self.free.retain(|&free| free != worker),
            _ => {}
        }
    }

    /// A new connection.
    pub(super) fn offer(&mut self, connection: C) {
        self.queue.push_back(connection);
    }

    /// A connection that was handed out and not taken: it has waited longest.
    pub(super) fn take_back(&mut self, connection: C) {
        self.queue.push_front(connection);
    }

    /// The next connection, and who gets it. A worker with more calls that wait goes to the end of
    /// the line with these.
    pub(super) fn hand_out(&mut self) -> Option<(WorkerId, C)> {
        if self.free.is_empty() {
            return None;
        }
        let connection = self.queue.pop_front()?;
        let worker = self.free.pop_front()?;
        if let Some(member) = self.members.get_mut(&worker) {
            member.calls -= 1;
            self.calls -= 1;
            if let Says::When { given, .. } = &mut member.says {
                *given += 1;
            }
            if member.calls > 0 {
                self.free.push_back(worker);
            }
        }
        Some((worker, connection))
    }

    /// Removes a worker.
    pub(super) fn leave(&mut self, worker: WorkerId) {
        self.set_calls(worker, 0);
        self.members.remove(&worker);
    }

    /// Whether nobody is a member any more.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether the worker waits for a connection.
    pub(super) fn is_free(&self, worker: WorkerId) -> bool {
        self.members.get(&worker).is_some_and(|member| member.calls > 0)
    }

    /// How many calls of `accept` wait, as far as is known.
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    /// How many connections wait for a worker.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether more connections should be accepted from the kernel.
    pub(super) fn has_room(&self) -> bool {
        self.queue.len() < QUEUE
    }
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
