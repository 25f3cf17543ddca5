//! What a worker knows of its listeners, and the connections that wait in it for the program.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SocketFlags, accept_with, recvfrom};

use super::core::{Standing, State};
use crate::wire::{Envelope, Received};
use crate::{Address, Error};

/// A listener's number inside a worker.
pub(super) type ListenerId = u32;

/// What the worker knows of one of its listeners.
#[derive(Debug)]
pub(super) struct Listening {
    /// The primary's name for it; none for a socket of this worker's own.
    key: Option<String>,
    source: Source,
    /// What was asked for.
    address: Address,
    /// How many calls of `accept` wait.
    waiting: usize,
}

/// Where its connections come from.
#[derive(Debug)]
enum Source {
    Primary {
        /// Handed over and not taken by the program yet: the number to answer, and the connection.
        connections: VecDeque<(u64, OwnedFd)>,
        /// The primary understands `waiting`, and sends connections in blocking mode.
        knows_waiting: bool,
        /// How many it has handed over.
        received: u64,
        /// How many it may have handed over in all, as it was told.
        told: u64,
    },
    Shared(Arc<OwnedFd>),
    /// The program accepts by itself. To the primary this worker goes on using the socket, until it leaves.
    Taken,
}

impl State {
    /// Node's number for one more listener on this address: they are counted from 0 until all of them are closed.
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

    /// Keeps a listener that the primary granted.
    pub(super) fn add_listener(
        &mut self,
        address: Address,
        reply: &Received,
        shared: Option<OwnedFd>,
    ) -> ListenerId {
        let source = match shared {
            Some(socket) => Source::Shared(Arc::new(socket)),
            None => Source::Primary {
                connections: VecDeque::new(),
                knows_waiting: reply.is_true("waits"),
                received: 0,
                told: 0,
            },
        };
        let key = reply.text("key").map(str::to_owned);
        self.last_listener += 1;
        self.listeners.insert(self.last_listener, Listening { key, source, address, waiting: 0 });
        self.last_listener
    }

    /// Keeps a socket that is this worker's alone.
    pub(super) fn add_own_socket(&mut self, address: Address, socket: OwnedFd) -> ListenerId {
        self.last_listener += 1;
        let source = Source::Shared(Arc::new(socket));
        let own = Listening { key: None, source, address, waiting: 0 };
        self.listeners.insert(self.last_listener, own);
        self.last_listener
    }

    /// A datagram for the program, in this buffer. `Some(None)`: there will be none any more.
    pub(super) fn take_datagram(
        &mut self,
        id: ListenerId,
        buffer: &mut [u8],
    ) -> Result<Option<Option<(usize, SocketAddr)>>, Error> {
        let listening = self.listeners.get(&id).filter(|_| self.standing == Standing::Connected);
        let Some(Source::Shared(socket)) = listening.map(|listening| &listening.source) else {
            return Ok(Some(None));
        };
        match recvfrom(&**socket, buffer, RecvFlags::DONTWAIT) {
            Ok((count, _, from)) => {
                let from = from.and_then(|from| SocketAddr::try_from(from).ok());
                Ok(from.map(|from| Some((count, from))))
            }
            // Another worker was faster, or an earlier datagram of ours found nobody: udp(7), ECONNREFUSED.
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNREFUSED) => Ok(None),
            Err(errno) => Err(Error::system("receive a datagram")(errno)),
        }
    }

    pub(super) fn shared_socket(&self, id: ListenerId) -> Option<Arc<OwnedFd>> {
        match &self.listeners.get(&id)?.source {
            Source::Shared(socket) => Some(Arc::clone(socket)),
            Source::Primary { .. } | Source::Taken => None,
        }
    }

    /// The socket itself, if it is shared. The program accepts from now on.
    pub(super) fn take_socket(&mut self, id: ListenerId) -> Option<Arc<OwnedFd>> {
        let listening = self.listeners.get_mut(&id)?;
        let Source::Shared(socket) = &listening.source else { return None };
        let socket = Arc::clone(socket);
        listening.source = Source::Taken;
        Some(socket)
    }

    pub(super) fn is_taken(&self, id: ListenerId) -> bool {
        self.listeners.get(&id).is_some_and(|it| matches!(it.source, Source::Taken))
    }

    /// Those of the shared sockets that somebody waits for.
    pub(super) fn shared_sockets(&self) -> Vec<Arc<OwnedFd>> {
        let wanted = self.listeners.values().filter(|listening| listening.waiting > 0);
        let sockets = wanted.filter_map(|listening| match &listening.source {
            Source::Shared(socket) => Some(Arc::clone(socket)),
            Source::Primary { .. } | Source::Taken => None,
        });
        sockets.collect()
    }

    /// The primary hands over a connection. One that nobody wants goes back at once, and to another worker.
    pub(super) fn new_connection(&mut self, message: &Received, fd: Option<OwnedFd>) {
        let (Some(seq), Some(fd)) = (message.seq(), fd) else { return };
        let key = message.text("key");
        let mut listeners = self.listeners.values_mut();
        let Some(listening) = listeners.find(|it| it.key.is_some() && it.key.as_deref() == key)
        else {
            return self.answer_connection(seq, false);
        };
        let Source::Primary { connections, received, knows_waiting, .. } = &mut listening.source
        else {
            return self.answer_connection(seq, false);
        };
        *received += 1;
        // Nobody waits here any more: somebody else may. Node does not know, and sends it anyway.
        if *knows_waiting && connections.len() >= listening.waiting {
            return self.answer_connection(seq, false);
        }
        connections.push_back((seq, fd));
    }

    fn answer_connection(&mut self, seq: u64, accepted: bool) {
        self.say(answer(seq, accepted));
    }

    /// A connection for the program. `Some(None)`: there will be none any more.
    pub(super) fn take_connection(
        &mut self,
        id: ListenerId,
    ) -> Result<Option<Option<OwnedFd>>, Error> {
        if self.standing != Standing::Connected {
            return Ok(Some(None));
        }
        let Some(listening) = self.listeners.get_mut(&id) else { return Ok(Some(None)) };
        match &mut listening.source {
            Source::Primary { connections, knows_waiting, .. } => {
                let Some((seq, connection)) = connections.pop_front() else {
                    self.tell_waiting(id);
                    return Ok(None);
                };
                if !*knows_waiting {
                    // Node sends them in non-blocking mode, which the standard library does not expect.
                    rustix::io::ioctl_fionbio(&connection, false)
                        .map_err(Error::system("make a connection blocking"))?;
                }
                self.answer_connection(seq, true);
                Ok(Some(Some(connection)))
            }
            Source::Taken => Ok(Some(None)),
            Source::Shared(socket) => match accept_with(&**socket, SocketFlags::CLOEXEC) {
                Ok(connection) => Ok(Some(Some(connection))),
                // Another worker was faster, or the client is gone again: accept(2).
                Err(
                    Errno::AGAIN | Errno::INTR | Errno::CONNABORTED | Errno::PROTO | Errno::PERM,
                ) => Ok(None),
                Err(errno) => Err(Error::system("accept a connection")(errno)),
            },
        }
    }

    pub(super) fn begin_to_wait(&mut self, id: ListenerId) {
        if let Some(listening) = self.listeners.get_mut(&id) {
            listening.waiting += 1;
            if matches!(listening.source, Source::Shared(_)) {
                self.interrupt_reader(); // it does not watch this socket yet
            }
        }
    }

    pub(super) fn end_waiting(&mut self, id: ListenerId) {
        if let Some(listening) = self.listeners.get_mut(&id) {
            listening.waiting -= 1;
        }
        self.tell_waiting(id);
    }

    /// Tells the primary how many connections it may hand over in all: those that it has, and one for each call of `accept` that
    /// waits. A sum, because a connection may be under way: "one more" or "one less" would then be counted from different numbers.
    fn tell_waiting(&mut self, id: ListenerId) {
        let Some(listening) = self.listeners.get_mut(&id) else { return };
        let Source::Primary { connections, received, told, knows_waiting: true } =
            &mut listening.source
        else {
            return;
        };
        let wanted = *received + listening.waiting.saturating_sub(connections.len()) as u64;
        if std::mem::replace(told, wanted) != wanted {
            let waiting = Envelope::on("waiting", listening.key.as_deref().unwrap_or_default(), 0);
            self.say(Envelope { up_to: Some(wanted), ..waiting });
        }
    }

    /// Closes a listener on purpose: the primary learns of it with the next write, and what was not taken goes to other workers.
    pub(super) fn close_listener(&mut self, id: ListenerId) {
        let Some(listening) = self.listeners.remove(&id) else { return };
        if let Some(key) = &listening.key {
            self.give_back_index(&listening.address);
            self.note(Envelope::on("close", key, 0));
        }
        if let Source::Primary { connections, .. } = listening.source {
            for (seq, _) in connections {
                self.note(answer(seq, false));
            }
        }
    }

    pub(super) fn close_listeners(&mut self) {
        let all: Vec<ListenerId> = self.listeners.keys().copied().collect();
        all.into_iter().for_each(|id| self.close_listener(id));
    }
}

fn answer(seq: u64, accepted: bool) -> Envelope {
    Envelope { accepted: Some(accepted), ..Envelope::answer(seq, 0) }
}
