//! One socket that workers asked for: who uses it, and the connections that wait for one of them.

use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use serde_json::Value;

use super::bound::Bound;
use super::desk::Desk;
use super::rotation::{Rotation, Says};
use crate::bind;
use crate::primary::reserve::Reserve;
use crate::rest::REST;
use crate::{Address, HandleKind, WorkerId};

/// A listener's number inside the primary.
pub(crate) type ListenerId = u32;

/// How many connections one turn of the loop takes at most, so that a flood does not starve other
/// news.
const MOST_AT_ONCE: usize = 64;

/// How long newcomers are still let in at a shared socket that is being closed, while it is waited
/// for to be empty.
const LET_IN: Duration = Duration::from_millis(100);

/// How many connections are taken from a socket that is being closed: more than the longest backlog
/// that Linux has by default.
const MOST_AT_THE_END: usize = 8192;

#[derive(Debug)]
pub(super) struct Listener {
    pub(super) id: ListenerId,
    pub(super) key: String,
    pub(super) address: Address,
    /// `None`: closed. Connections that were accepted before may still wait for a worker.
    pub(super) bound: Option<Bound>,
    distribution: Distribution,
    /// What the first worker wants all of them to get: Node's TLS ticket keys.
    pub(super) data: Value,
    /// The workers that share the socket wait in accept(2) itself.
    blocking: bool,
    /// No accepting before that time.
    resting_until: Option<Instant>,
    /// Its last user crashed: it stays open while a replacement of this worker may come.
    pub(super) orphaned_by: Option<WorkerId>,
    /// The service stops, since then: what has arrived is served, and the socket is closed as soon
    /// as nothing is lost by that.
    closing: Option<Instant>,
}

/// Who chooses the worker for a connection.
#[derive(Debug)]
enum Distribution {
    /// We do.
    RoundRobin(Rotation<Arc<OwnedFd>>),
    /// The kernel does: the workers share the socket.
    Shared(BTreeSet<WorkerId>),
}

impl Listener {
    /// A listener whose connections we hand out.
    pub(super) fn round_robin(id: ListenerId, key: &str, bound: Bound, data: Value) -> Listener {
        let distribution = Distribution::RoundRobin(Rotation::new());
        Listener::new(id, key, bound, data, distribution)
    }

    /// A socket that the workers share.
    pub(super) fn shared(
        id: ListenerId,
        key: &str,
        bound: Bound,
        data: Value,
        blocking: bool,
    ) -> Listener {
        let distribution = Distribution::Shared(BTreeSet::new());
        Listener { blocking, ..Listener::new(id, key, bound, data, distribution) }
    }

    fn new(
        id: ListenerId,
        key: &str,
        bound: Bound,
        data: Value,
        distribution: Distribution,
    ) -> Listener {
        Listener {
            id,
            key: key.to_owned(),
            address: bound.address.clone(),
            bound: Some(bound),
            distribution,
            data,
            blocking: false,
            resting_until: None,
            orphaned_by: None,
            closing: None,
        }
    }

    /// The kind of the socket, if the workers share it.
    pub(super) fn shared_kind(&self) -> Option<HandleKind> {
        match (&self.distribution, &self.address) {
            (Distribution::RoundRobin(_), _) => None,
            (Distribution::Shared(_), Address::Udp(_) | Address::PrimaryUdpFd(_)) => {
                Some(HandleKind::Datagram)
            }
            (Distribution::Shared(_), _) => Some(HandleKind::Listener),
        }
    }

    pub(super) fn contains(&self, worker: WorkerId) -> bool {
        match &self.distribution {
            Distribution::RoundRobin(rotation) => rotation.contains(worker),
            Distribution::Shared(members) => members.contains(&worker),
        }
    }

    pub(super) fn is_unused(&self) -> bool {
        match &self.distribution {
            Distribution::RoundRobin(rotation) => rotation.is_empty(),
            Distribution::Shared(members) => members.is_empty(),
        }
    }

    pub(super) fn join(&mut self, worker: WorkerId, says_when: bool) {
        self.orphaned_by = None;
        match &mut self.distribution {
            Distribution::RoundRobin(rotation) => {
                rotation.join(worker, if says_when { Says::when() } else { Says::Nothing });
            }
            Distribution::Shared(members) => drop(members.insert(worker)),
        }
    }

    pub(super) fn leave(&mut self, worker: WorkerId) {
        match &mut self.distribution {
            Distribution::RoundRobin(rotation) => rotation.leave(worker),
            Distribution::Shared(members) => drop(members.remove(&worker)),
        }
    }

    /// Round robin, if that is how this listener's connections are dealt out.
    pub(super) fn rotation(&mut self) -> Option<&mut Rotation<Arc<OwnedFd>>> {
        match &mut self.distribution {
            Distribution::RoundRobin(rotation) => Some(rotation),
            Distribution::Shared(_) => None,
        }
    }

    pub(super) fn is_idle(&self, worker: WorkerId) -> bool {
        match &self.distribution {
            Distribution::RoundRobin(rotation) => rotation.is_free(worker),
            Distribution::Shared(_) => false,
        }
    }

    /// The socket, while connections should be accepted from it.
    pub(super) fn accepts(&self, now: Instant) -> Option<&Arc<OwnedFd>> {
        let Distribution::RoundRobin(rotation) = &self.distribution else { return None };
        let rested = self.resting_until.is_none_or(|until| until <= now);
        let bound = self
            .bound
            .as_ref()
            .filter(|_| rested && (rotation.has_room() || self.closing.is_some()));
        bound.map(|bound| &bound.socket)
    }

    /// When it has rested.
    pub(super) fn rested_at(&self, now: Instant) -> Option<Instant> {
        self.resting_until.filter(|&until| until > now)
    }

    /// Takes connections from the kernel: one for each call of `accept` that waits, or one that
    /// waits in our queue. No more, so that nobody asks the kernel once more to hear that there is
    /// none. A listener that is being closed takes all there are.
    pub(super) fn accept(&mut self, reserve: &mut Reserve) {
        let (Distribution::RoundRobin(rotation), Some(bound)) =
            (&mut self.distribution, &self.bound)
        else {
            return;
        };
        let closing = self.closing.is_some();
        let most = match closing {
            true => MOST_AT_THE_END.saturating_sub(rotation.queued()),
            false => rotation.calls().clamp(1, MOST_AT_ONCE),
        };
        let mut more = most > 0;
        for _ in 0..most {
            let rests = match bind::accept(&bound.socket) {
                Ok(Some(connection)) => {
                    let cramped = reserve.saw(connection.as_raw_fd());
                    rotation.offer(Arc::new(connection));
                    cramped
                }
                // EINVAL: nobody can connect any more, and nobody waits.
                Ok(None) | Err(Errno::INVAL) if closing => {
                    more = false;
                    break;
                }
                Ok(None) => break,
                // That client is gone again: accept(2).
                Err(Errno::CONNABORTED | Errno::PROTO | Errno::PERM | Errno::NETDOWN) => false,
                // No descriptor or memory left, or a reason that may stay: later.
                Err(_) => true,
            };
            if rests {
                self.resting_until = Some(Instant::now() + REST);
                break;
            }
        }
        if closing && !more {
            self.bound = None;
        }
    }

    /// Hands connections over while there are some and somebody waits.
    pub(super) fn hand_out(&mut self, desk: &mut Desk) {
        let Distribution::RoundRobin(rotation) = &mut self.distribution else { return };
        while let Some((worker, connection)) = rotation.hand_out() {
            desk.hand(worker, self.id, &self.key, connection, rotation.says_when(worker));
        }
    }

    /// The service stops: newcomers are refused as soon as nobody who came before is lost by that.
    pub(super) fn begin_to_close(&mut self) {
        self.closing = Some(Instant::now());
        self.resting_until = None;
        if let (Distribution::RoundRobin(_), Some(bound)) = (&self.distribution, &self.bound)
            && bound.is_unix()
        {
            bound.refuse_newcomers(); // on a Unix socket those that wait stay
        }
    }

    /// Whether all that arrived is in a worker's hands, as far as this socket knows. A socket that
    /// the workers share is drained when it is seen empty, once. Where so many come that it never
    /// is, they are kept out after a while: the kernel lets nobody in beyond the backlog, and those
    /// that came before stay.
    pub(super) fn is_drained(&mut self) -> bool {
        let bound = match &self.distribution {
            Distribution::RoundRobin(rotation) => {
                return self.bound.is_none() && rotation.queued() == 0;
            }
            Distribution::Shared(_) => self.bound.as_ref().filter(|it| it.must_be_drained()),
        };
        let Some(bound) = bound else { return true };
        let drained = !bound.has_arrivals();
        if !drained && self.closing.is_some_and(|since| since.elapsed() > LET_IN) {
            bound.let_nobody_in();
        }
        drained
    }

    /// How many clients have come and are in no worker's hands.
    pub(super) fn clients_that_wait(&self) -> usize {
        match (&self.distribution, &self.bound) {
            (Distribution::RoundRobin(rotation), _) => rotation.queued(),
            (Distribution::Shared(_), Some(bound)) if bound.must_be_drained() => bound.count(),
            (Distribution::Shared(_), _) => 0,
        }
    }

    /// Closes the socket. Workers that wait in accept(2) itself, on a socket that they share, would
    /// not notice: they are woken.
    pub(super) fn close(&mut self) {
        if let Some(bound) = self.bound.take().filter(|_| self.blocking) {
            bound.refuse_newcomers();
        }
    }

    /// Wakes those that wait in accept(2) on a shared socket, and refuses newcomers.
    pub(super) fn stop_accepting(&self) {
        if let (Distribution::Shared(_), Some(bound)) = (&self.distribution, &self.bound) {
            bound.refuse_newcomers();
        }
    }
}
