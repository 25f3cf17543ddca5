//! One socket that workers asked for: who uses it, and the connections that wait for one of them.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use serde_json::Value;

use super::desk::Desk;
use super::resting::REST;
use super::rotation::{Rotation, Says};
use crate::bind;
use crate::primary::reserve::Reserve;
use crate::{Address, HandleKind, WorkerId};

/// A listener's number inside the primary.
pub(crate) type ListenerId = u32;

/// How many connections one turn of the loop takes at most, so that a flood does not starve other news.
const MOST_AT_ONCE: usize = 64;

/// How many connections are taken from a socket that is being closed: more than the longest backlog that Linux has by default.
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
    /// The service stops: what has arrived is served, and the socket is closed as soon as nothing is lost by that.
    closing: bool,
}

/// Who chooses the worker for a connection.
#[derive(Debug)]
enum Distribution {
    /// We do.
    RoundRobin(Rotation<Arc<OwnedFd>>),
    /// The kernel does: the workers share the socket.
    Shared(BTreeSet<WorkerId>),
}

/// A bound socket. Dropping it closes it, and removes the file of a Unix path.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) socket: Arc<OwnedFd>,
    address: Address,
}

impl Bound {
    pub(super) fn new(socket: OwnedFd, address: Address) -> Bound {
        Bound { socket: Arc::new(socket), address }
    }

    /// Whether somebody else, who started this process, holds the same socket: what is done to it is done to them.
    fn is_inherited(&self) -> bool {
        matches!(self.address, Address::PrimaryFd(_) | Address::PrimaryUdpFd(_))
    }

    fn is_unix(&self) -> bool {
        rustix::net::sockopt::socket_domain(&self.socket) == Ok(rustix::net::AddressFamily::UNIX)
    }

    /// From now on nobody can connect, and who waits in accept(2) is woken with EINVAL. On TCP those that wait to be accepted
    /// are reset; on a Unix socket they stay.
    pub(super) fn refuse_newcomers(&self) {
        if !self.is_inherited() {
            // It fails where nobody listens yet, and then there is nothing to refuse.
            let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Read);
        }
    }

    /// Whether a connection or datagram waits in the kernel.
    fn has_arrivals(&self) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::IN)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        // A socket that is shut down for reading and empty says HUP as well.
        matches!(poll(&mut fds, Some(&at_once)), Ok(1..))
            && !fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Address::Unix(path) = &self.address {
            bind::unlink(path);
        }
    }
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
            closing: false,
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
        let bound = self.bound.as_ref().filter(|_| rested && (rotation.has_room() || self.closing));
        bound.map(|bound| &bound.socket)
    }

    /// When it has rested.
    pub(super) fn rested_at(&self, now: Instant) -> Option<Instant> {
        self.resting_until.filter(|&until| until > now)
    }

    /// Takes connections from the kernel: one for each call of `accept` that waits, or one that waits in our queue. No more, so
    /// that nobody asks the kernel once more to hear that there is none. A listener that is being closed takes all there are.
    pub(super) fn accept(&mut self, reserve: &mut Reserve) {
        let (Distribution::RoundRobin(rotation), Some(bound)) =
            (&mut self.distribution, &self.bound)
        else {
            return;
        };
        let most = match self.closing {
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
                Ok(None) | Err(Errno::INVAL) if self.closing => {
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
        if self.closing && !more {
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
        self.closing = true;
        self.resting_until = None;
        if let (Distribution::RoundRobin(_), Some(bound)) = (&self.distribution, &self.bound)
            && bound.is_unix()
        {
            bound.refuse_newcomers(); // on a Unix socket those that wait stay
        }
    }

    /// Whether all that arrived is in a worker's hands, as far as this socket knows. Once it was seen empty it is closed:
    /// newcomers would keep it from being empty for ever.
    pub(super) fn is_drained(&mut self) -> bool {
        match &self.distribution {
            Distribution::RoundRobin(rotation) => self.bound.is_none() && rotation.queued() == 0,
            Distribution::Shared(_) if self.shared_kind() == Some(HandleKind::Datagram) => true,
            Distribution::Shared(_) => self.bound.as_ref().is_none_or(|it| !it.has_arrivals()),
        }
    }

    /// Closes the socket. Workers that wait in accept(2) itself, on a socket that they share, would not notice: they are woken.
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
