//! A socket that workers asked for, and who uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use socket2::Socket;

use super::rotation::Rotation;
use crate::bind;
use crate::{Address, WorkerId};

/// A listener's number inside the primary.
pub(crate) type ListenerId = u32;

/// All listeners, and the connections that are under way to a worker.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    pub(super) all: BTreeMap<ListenerId, Listener>,
    pub(super) last: ListenerId,
    /// By the number of the `newconn` that carried it. Our copy stays open until the worker has taken the connection.
    pub(super) under_way: BTreeMap<u64, UnderWay>,
    pub(super) resting: Vec<Resting>,
}

/// A worker that a connection came back from, although it may wait for one. Trying again at once would be trying without end.
#[derive(Debug)]
pub(super) struct Resting {
    pub(super) until: Instant,
    pub(super) worker: WorkerId,
    pub(super) listener: ListenerId,
}

#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) worker: WorkerId,
    pub(super) listener: ListenerId,
    pub(super) connection: Arc<OwnedFd>,
}

/// A socket that workers asked for.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(super) key: String,
    pub(super) address: Address,
    pub(super) socket: Arc<Socket>,
    pub(super) distribution: Distribution,
    /// What the first worker wants all of them to get: Node's TLS ticket keys.
    pub(super) data: Value,
    /// No accepting before that time.
    pub(super) resting_until: Option<Instant>,
    /// Its last user crashed: it stays open while a replacement of this worker may come.
    pub(super) orphaned_by: Option<WorkerId>,
}

/// Who chooses the worker for a connection.
#[derive(Debug)]
pub(super) enum Distribution {
    /// We do.
    RoundRobin(Rotation<Arc<OwnedFd>>),
    /// The kernel does: the workers share the socket.
    Shared(BTreeSet<WorkerId>),
}

impl Listener {
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

    pub(super) fn leave(&mut self, worker: WorkerId) {
        match &mut self.distribution {
            Distribution::RoundRobin(rotation) => drop(rotation.leave(worker)),
            Distribution::Shared(members) => drop(members.remove(&worker)),
        }
    }

    pub(super) fn rotation(&mut self) -> Option<&mut Rotation<Arc<OwnedFd>>> {
        match &mut self.distribution {
            Distribution::RoundRobin(rotation) => Some(rotation),
            Distribution::Shared(_) => None,
        }
    }

    /// The socket, while connections should be accepted from it.
    pub(super) fn accepts(&self, now: Instant) -> Option<&Socket> {
        match &self.distribution {
            Distribution::RoundRobin(rotation)
                if rotation.has_room() && self.resting_until.is_none_or(|until| until <= now) =>
            {
                Some(&self.socket)
            }
            _ => None,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Address::Unix(path) = &self.address {
            bind::unlink(path);
        }
    }
}
