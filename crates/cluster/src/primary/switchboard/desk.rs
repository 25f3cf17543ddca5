//! What the switchboard wants done, and the connections that are under way to a worker.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::listener::ListenerId;
use crate::primary::event::Event;
use crate::wire::Envelope;
use crate::{HandleKind, WorkerId};

/// Something that the loop has to do. Orders are carried out in the order in which they were given.
#[derive(Debug)]
pub(crate) enum Order {
    /// Hands a connection over.
    Hand {
        worker: WorkerId,
        /// The number of the message that carries it; the worker's answer names it.
        seq: u64,
        key: String,
        connection: Arc<OwnedFd>,
        /// The worker expects it in non-blocking mode, and cannot change that itself.
        nonblocking: bool,
    },
    /// Answers a worker's question for a listener, perhaps with the socket.
    Reply { worker: WorkerId, reply: Box<Envelope>, socket: Option<(HandleKind, Arc<OwnedFd>)> },
    /// Ends a worker that holds a connection and does not take it.
    Kill(WorkerId),
    /// Tells the program.
    Tell(Event),
}

/// A connection that was handed over and not taken yet. Our copy stays open until the worker has
/// taken it.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) worker: WorkerId,
    pub(super) listener: ListenerId,
    pub(super) connection: Arc<OwnedFd>,
    /// When it must have been taken.
    take_by: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) orders: VecDeque<Order>,
    /// By the number of the message that carries it.
    under_way: BTreeMap<u64, UnderWay>,
    /// How long these workers may hold a connection before their program takes it. Others may for
    /// ever.
    take_within: BTreeMap<WorkerId, Duration>,
    seq: u64,
}

impl Desk {
    /// A number for the next message of the cluster layer.
    pub(super) fn next_seq(&mut self) -> u64 {
        let seq = self.seq;
        self.seq += 1;
        seq
    }

    pub(super) fn hand(
        &mut self,
        worker: WorkerId,
        listener: ListenerId,
        key: &str,
        connection: Arc<OwnedFd>,
        says_when: bool,
    ) {
        let seq = self.next_seq();
        let take_by =
            self.take_within.get(&worker).and_then(|&time| Instant::now().checked_add(time));
        let copy = Arc::clone(&connection);
        self.under_way.insert(seq, UnderWay { worker, listener, connection: copy, take_by });
        let nonblocking = !says_when;
        let key = key.to_owned();
        self.orders.push_back(Order::Hand { worker, seq, key, connection, nonblocking });
    }

    pub(super) fn limit(&mut self, worker: WorkerId, time: Duration) {
        self.take_within.insert(worker, time);
    }

    /// The worker is gone.
    pub(super) fn forget(&mut self, worker: WorkerId) {
        self.take_within.remove(&worker);
    }

    /// What was handed over with that number, if it was to this worker.
    pub(super) fn take(&mut self, seq: u64, worker: WorkerId) -> Option<UnderWay> {
        match self.under_way.get(&seq) {
            Some(under_way) if under_way.worker == worker => self.under_way.remove(&seq),
            _ => None,
        }
    }

    /// The number under which this connection is under way.
    pub(super) fn number_of(&self, connection: &Arc<OwnedFd>) -> Option<(u64, WorkerId)> {
        let mut all = self.under_way.iter();
        let (&seq, found) = all.find(|(_, it)| Arc::ptr_eq(&it.connection, connection))?;
        Some((seq, found.worker))
    }

    /// The numbers of all that is under way to this worker, the youngest first.
    pub(super) fn all_to(&self, worker: WorkerId) -> Vec<u64> {
        let all = self.under_way.iter().rev();
        all.filter(|(_, it)| it.worker == worker).map(|(&seq, _)| seq).collect()
    }

    pub(super) fn is_anything_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// When the next connection must have been taken.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.take_within.is_empty() {
            return None;
        }
        self.under_way.values().filter_map(|it| it.take_by).min()
    }

    /// Orders the end of those that did not take a connection in time. What they hold goes on when
    /// they are gone, and never before: two workers would serve one client.
    pub(super) fn kill_the_late(&mut self, now: Instant) {
        for under_way in self.under_way.values_mut() {
            if under_way.take_by.is_some_and(|by| by <= now) {
                under_way.take_by = None;
                self.orders.push_back(Order::Kill(under_way.worker));
            }
        }
    }
}
