//! All listeners of a worker, by number.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use super::listening::{Listening, Source};
use crate::Address;

/// A listener's number inside a worker.
pub(super) type ListenerId = u32;

/// All listeners of a worker.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    all: BTreeMap<ListenerId, Listening>,
    last: ListenerId,
    /// For Node's numbering of listeners on one address: the next number, and how many are open.
    indexes: BTreeMap<String, (u32, usize)>,
}

impl Listeners {
    /// Node's number for one more listener on this address: they are counted from 0 until all of
    /// them are closed.
    pub(super) fn take_index(&mut self, address: &Address) -> u32 {
        let (next, open) = self.indexes.entry(address.to_string()).or_default();
        *open += 1;
        std::mem::replace(next, *next + 1)
    }

    pub(super) fn give_back_index(&mut self, address: &Address) {
        let name = address.to_string();
        if let Some((_, open)) = self.indexes.get_mut(&name) {
            *open -= 1;
            if *open == 0 {
                self.indexes.remove(&name);
            }
        }
    }

    pub(super) fn add(&mut self, listening: Listening) -> ListenerId {
        self.last += 1;
        self.all.insert(self.last, listening);
        self.last
    }

    pub(super) fn get(&self, id: ListenerId) -> Option<&Listening> {
        self.all.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: ListenerId) -> Option<&mut Listening> {
        self.all.get_mut(&id)
    }

    /// The one that the primary calls by this name.
    pub(super) fn called(&mut self, key: &str) -> Option<&mut Listening> {
        self.all.values_mut().find(|listening| listening.key.as_deref() == Some(key))
    }

    pub(super) fn remove(&mut self, id: ListenerId) -> Option<Listening> {
        let listening = self.all.remove(&id)?;
        if listening.key.is_some() {
            self.give_back_index(&listening.address);
        }
        Some(listening)
    }

    pub(super) fn ids(&self) -> Vec<ListenerId> {
        self.all.keys().copied().collect()
    }

    /// The socket itself, if it is shared. The program accepts from now on.
    pub(super) fn take_socket(&mut self, id: ListenerId) -> Option<Arc<OwnedFd>> {
        let listening = self.all.get_mut(&id)?;
        listening.shared()?;
        match std::mem::replace(&mut listening.source, Source::Taken) {
            Source::Shared(socket) => Some(socket),
            Source::Primary(_) | Source::Taken => None,
        }
    }

    /// The program could not take it after all.
    pub(super) fn give_back_socket(&mut self, id: ListenerId, socket: Arc<OwnedFd>) {
        if let Some(listening) = self.all.get_mut(&id) {
            listening.source = Source::Shared(socket);
        }
    }

    pub(super) fn is_taken(&self, id: ListenerId) -> bool {
        self.all.get(&id).is_some_and(|listening| matches!(listening.source, Source::Taken))
    }

    /// Those of the shared sockets that somebody waits for.
    pub(super) fn watched(&self) -> Vec<Arc<OwnedFd>> {
        let wanted = self.waited_for().filter(|listening| listening.rest.until().is_none());
        wanted.filter_map(Listening::shared).cloned().collect()
    }

    /// When the first of them has rested.
    pub(super) fn rested_at(&self) -> Option<Instant> {
        self.waited_for().filter_map(|listening| listening.rest.until()).min()
    }

    fn waited_for(&self) -> impl Iterator<Item = &Listening> {
        self.all.values().filter(|listening| listening.waiting > 0)
    }
}
