//! Handing connections over, one by one, to workers that wait for one.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::Primary;
use super::listener::{Distribution, ListenerId, Resting, UnderWay};
use super::rotation::Rotation;
use crate::bind;
use crate::wire::{Envelope, Received};
use crate::{HandleKind, WorkerId};

/// How long a listener rests when the system has no descriptor left for a connection, and a worker that a connection
/// came back from.
const REST: Duration = Duration::from_millis(50);

impl Primary {
    /// Whether the worker waits for a connection, as far as it has said: under
    /// [`SchedulingPolicy::RoundRobin`](crate::SchedulingPolicy::RoundRobin) it is in the queue of those that wait. (A Node worker counts
    /// as waiting from the moment that it answered, however busy it is.) Under
    /// [`SchedulingPolicy::Shared`](crate::SchedulingPolicy::Shared) the primary is not told, and this is false.
    ///
    /// No event tells of it: it changes inside [`next_event`](Primary::next_event) with every connection.
    pub fn is_idle(&self, worker: WorkerId) -> bool {
        self.listeners.all.values().any(|listener| match &listener.distribution {
            Distribution::RoundRobin(rotation) => rotation.is_free(worker),
            Distribution::Shared(_) => false,
        })
    }

    /// A worker's program begins or ends to wait in `accept`.
    pub(super) fn note_waiting(&mut self, worker: WorkerId, message: &Received) {
        let Some(listener) = self.listener_of(worker, message) else { return };
        let Some(up_to) = message.number("upTo").and_then(|it| u64::try_from(it).ok()) else {
            return;
        };
        if let Some(rotation) = self.rotation(listener) {
            rotation.waits_up_to(worker, up_to);
            self.hand_out(listener);
        }
    }

    fn rotation(&mut self, listener: ListenerId) -> Option<&mut Rotation<Arc<OwnedFd>>> {
        self.listeners.all.get_mut(&listener)?.rotation()
    }

    /// Takes connections from the kernel and hands them to workers that wait: one for each of these, or one that waits in the queue.
    /// No more, so that a flood does not starve other news, and nobody asks the kernel once more to hear that there is none.
    pub(super) fn accept(&mut self, listener: ListenerId) {
        let Some(rotation) = self.rotation(listener) else { return };
        for _ in 0..rotation.free().max(1) {
            let Some(found) = self.listeners.all.get_mut(&listener) else { return };
            let Distribution::RoundRobin(rotation) = &mut found.distribution else { return };
            match bind::accept(&found.socket) {
                Ok(Some(connection)) => rotation.offer(Arc::new(connection)),
                Ok(None) => break,
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    found.resting_until = Some(Instant::now() + REST);
                    break;
                }
                Err(_) => {} // that client is gone again: accept(2), ECONNABORTED and its like
            }
        }
        self.hand_out(listener);
    }

    /// Hands connections over while there are some and somebody waits.
    pub(super) fn hand_out(&mut self, listener: ListenerId) {
        while let Some((worker, connection)) = self.rotation(listener).and_then(Rotation::hand_out)
        {
            let seq = self.next_seq();
            let Some(found) = self.listeners.all.get(&listener) else { return };
            let says_when = matches!(&found.distribution, Distribution::RoundRobin(rotation)
                if rotation.says_when(worker));
            if !says_when {
                // Node expects it in non-blocking mode, and cannot change that itself.
                let _ = rustix::io::ioctl_fionbio(&connection, true);
            }
            let message = Envelope::on("newconn", &found.key, seq);
            let under_way = UnderWay { worker, listener, connection: Arc::clone(&connection) };
            self.listeners.under_way.insert(seq, under_way);
            let Some(channel) = self.channel(worker) else { continue };
            channel.push_internal_with(message, HandleKind::Stream, connection);
            if channel.flush().is_err() {
                // It takes nothing any more. If it is gone the read side finds out; it may as well stay, and never read.
                self.take_back(seq);
            }
        }
    }

    /// A worker answers a `newconn`: it took the connection, or it goes to the next.
    pub(super) fn connection_answered(&mut self, worker: WorkerId, answer: &Received) {
        let Some(ack) = answer.ack() else { return };
        let mine = |under_way: &&UnderWay| under_way.worker == worker;
        if self.listeners.under_way.get(&ack).filter(mine).is_none() {
            return;
        }
        let Some(under_way) = self.listeners.under_way.remove(&ack) else { return };
        let UnderWay { listener, connection, .. } = under_way;
        let accepted = answer.is_true("accepted");
        let Some(rotation) = self.rotation(listener) else { return };
        if accepted {
            rotation.answered(worker);
        } else {
            rotation.take_back(connection);
            // A Node worker with as many connections as it wants refuses, and waits again.
            if !rotation.says_when(worker) {
                self.rest(worker, listener);
            }
        }
        self.hand_out(listener);
    }

    /// A worker's channel lost the socket of a `newconn` for good: the connection goes to somebody else.
    pub(super) fn connection_lost(&mut self, socket: &Arc<OwnedFd>) {
        let lost = |under_way: &UnderWay| Arc::ptr_eq(&under_way.connection, socket);
        let found = self.listeners.under_way.iter().find(|(_, under_way)| lost(under_way));
        if let Some((&seq, &UnderWay { worker, listener, .. })) = found {
            self.rest(worker, listener);
            self.take_back(seq);
        }
    }

    fn rest(&mut self, worker: WorkerId, listener: ListenerId) {
        let until = Instant::now() + REST;
        self.listeners.resting.push(Resting { until, worker, listener });
    }

    /// Those that have rested count as waiting again.
    pub(super) fn wake_the_rested(&mut self) {
        if self.listeners.resting.is_empty() {
            return;
        }
        let now = Instant::now();
        let rested: Vec<Resting> =
            self.listeners.resting.extract_if(.., |resting| resting.until <= now).collect();
        for Resting { worker, listener, .. } in rested {
            if let Some(rotation) = self.rotation(listener) {
                rotation.got_nothing(worker);
                self.hand_out(listener);
            }
        }
    }

    pub(super) fn take_back(&mut self, seq: u64) {
        if let Some(UnderWay { listener, connection, .. }) = self.listeners.under_way.remove(&seq) {
            if let Some(rotation) = self.rotation(listener) {
                rotation.take_back(connection);
            }
            self.hand_out(listener);
        }
    }
}
