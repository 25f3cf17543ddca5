//! A worker's listener: the same port as its siblings'.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Instant;

use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

use super::core::{Core, Standing, State};
use crate::wire::{Envelope, Received};
use crate::{Address, Error};

/// A listener's number inside a worker.
pub(super) type ListenerId = u32;

/// What the worker knows of one of its listeners.
#[derive(Debug)]
pub(super) struct Listening {
    key: String,
    source: Source,
    /// For Node's numbering of listeners on the same address.
    address: Address,
    index: u32,
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
        /// How many calls of `accept` wait, as the primary was told.
        told: usize,
    },
    Shared(Arc<OwnedFd>),
    /// The program accepts by itself. To the primary this worker goes on using the socket, until it leaves.
    Taken,
}

/// A listener that all workers share; Node's `net.Server` in a worker.
///
/// Under [`SchedulingPolicy::RoundRobin`](crate::SchedulingPolicy::RoundRobin) the primary hands a connection over when the program waits in
/// [`accept`](Listener::accept), so that no client waits behind another one while a worker idles. Under
/// [`SchedulingPolicy::Shared`](crate::SchedulingPolicy::Shared) the workers accept from one socket.
///
/// Dropping it closes it: connections that were handed over and not taken go to other workers.
#[derive(Debug)]
pub struct Listener<S = TcpStream> {
    core: Arc<Core>,
    id: ListenerId,
    address: Address,
    /// It is shared, and in blocking mode.
    blocking: bool,
    stream: PhantomData<fn() -> S>,
}

impl<S: From<OwnedFd>> Listener<S> {
    pub(super) fn new(
        core: Arc<Core>,
        id: ListenerId,
        address: Address,
        blocking: bool,
    ) -> Listener<S> {
        Listener { core, id, address, blocking, stream: PhantomData }
    }

    /// Where it listens; with port 0 the port is the one that the system chose.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Waits for a connection, in blocking mode. `None`: the listener is closed, because the primary asked this worker to leave or is gone.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses to wait or has no descriptor left; [`Error::Blocking`] on a shared socket in blocking mode, which is
    /// for [`into_std`](Listener::into_std) alone.
    pub fn accept(&self) -> Result<Option<S>, Error> {
        self.accept_until(None)
    }

    /// Waits for a connection, but no longer than until the deadline; `None` then, too.
    ///
    /// # Errors
    /// As [`accept`](Listener::accept).
    pub fn accept_before(&self, deadline: Instant) -> Result<Option<S>, Error> {
        self.accept_until(Some(deadline))
    }

    fn accept_until(&self, deadline: Option<Instant>) -> Result<Option<S>, Error> {
        if self.blocking {
            // It would block with the worker's lock in its hand, when another worker is faster.
            return Err(Error::Blocking { address: self.address.to_string(), blocks: true });
        }
        let waiting = Waiting { core: &self.core, id: self.id };
        self.core.lock().begin_to_wait(self.id);
        let found = self.core.wait_for(deadline, |state| state.take_connection(self.id));
        drop(waiting);
        Ok(found?.flatten().map(S::from))
    }

    /// The connections as they come, until the listener is closed.
    pub fn incoming(&self) -> impl Iterator<Item = Result<S, Error>> + '_ {
        std::iter::from_fn(|| self.accept().transpose())
    }

    fn into_shared(self) -> Result<OwnedFd, Error> {
        let mut state = self.core.lock();
        let listening = state.listeners.get_mut(&self.id);
        match listening.map(|listening| std::mem::replace(&mut listening.source, Source::Taken)) {
            Some(Source::Shared(socket)) => socket
                .as_fd()
                .try_clone_to_owned()
                .map_err(|source| Error::System { what: "duplicate a listening socket", source }),
            Some(source) => {
                if let Some(listening) = state.listeners.get_mut(&self.id) {
                    listening.source = source;
                }
                Err(Error::NotShared(self.address.to_string()))
            }
            None => Err(Error::NotShared(self.address.to_string())),
        }
    }
}

impl Listener<TcpStream> {
    /// The shared listening socket itself, for a library that accepts by itself. The worker's part in the cluster goes on: see
    /// [`run_in_background`](super::Worker::run_in_background); it counts as a user of the socket until it leaves.
    ///
    /// # Errors
    /// [`Error::NotShared`] under [`SchedulingPolicy::RoundRobin`](crate::SchedulingPolicy::RoundRobin).
    pub fn into_std(self) -> Result<TcpListener, Error> {
        self.into_shared().map(TcpListener::from)
    }
}

impl Listener<UnixStream> {
    /// The shared listening socket itself, as [`Listener::into_std`] of TCP.
    ///
    /// # Errors
    /// As there.
    pub fn into_std(self) -> Result<UnixListener, Error> {
        self.into_shared().map(UnixListener::from)
    }
}

impl<S> Drop for Listener<S> {
    fn drop(&mut self) {
        let mut state = self.core.lock();
        if !state.is_taken(self.id) {
            state.close_listener(self.id);
        }
    }
}

/// One call of `accept` that waits; whatever ends it, the primary learns of it.
struct Waiting<'a> {
    core: &'a Core,
    id: ListenerId,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.core.lock().end_waiting(self.id);
    }
}

impl State {
    /// Node's number for one more listener on this address: how many are open, counted from 0.
    pub(super) fn next_index(&self, address: &Address) -> u32 {
        let open = self.listeners.values().filter(|it| it.address == *address);
        open.map(|it| it.index + 1).max().unwrap_or(0)
    }

    /// Keeps a listener that the primary granted.
    pub(super) fn add_listener(
        &mut self,
        address: Address,
        index: u32,
        reply: &Received,
        shared: Option<OwnedFd>,
    ) -> ListenerId {
        let source = match shared {
            Some(socket) => Source::Shared(Arc::new(socket)),
            None => Source::Primary {
                connections: VecDeque::new(),
                knows_waiting: reply.is_true("waits"),
                told: 0,
            },
        };
        let key = reply.text("key").unwrap_or_default().to_owned();
        self.last_listener += 1;
        self.listeners
            .insert(self.last_listener, Listening { key, source, address, index, waiting: 0 });
        self.last_listener
    }

    fn is_taken(&self, id: ListenerId) -> bool {
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
        let wanted = listeners.find(|listening| Some(listening.key.as_str()) == key);
        match wanted.map(|listening| &mut listening.source) {
            Some(Source::Primary { connections, told, .. }) => {
                *told = told.saturating_sub(1); // the primary counts it off, too
                connections.push_back((seq, fd));
            }
            _ => self.answer_connection(seq, false),
        }
    }

    fn answer_connection(&mut self, seq: u64, accepted: bool) {
        self.say(Envelope { accepted: Some(accepted), ..Envelope::answer(seq, 0) });
    }

    /// A connection for the program. `Some(None)`: there will be none any more.
    fn take_connection(&mut self, id: ListenerId) -> Result<Option<Option<OwnedFd>>, Error> {
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

    fn begin_to_wait(&mut self, id: ListenerId) {
        if let Some(listening) = self.listeners.get_mut(&id) {
            listening.waiting += 1;
            if matches!(listening.source, Source::Shared(_)) {
                self.interrupt_reader(); // it does not watch this socket yet
            }
        }
    }

    fn end_waiting(&mut self, id: ListenerId) {
        if let Some(listening) = self.listeners.get_mut(&id) {
            listening.waiting -= 1;
        }
        self.tell_waiting(id);
    }

    /// Makes the primary's count of waiting calls ours: one message for each that begins or ends without a connection.
    fn tell_waiting(&mut self, id: ListenerId) {
        let Some(listening) = self.listeners.get_mut(&id) else { return };
        let key = listening.key.clone();
        let Source::Primary { told, knows_waiting: true, connections } = &mut listening.source
        else {
            return;
        };
        let wanted = listening.waiting.saturating_sub(connections.len());
        let (count, more) = (wanted.abs_diff(*told), wanted > *told);
        *told = wanted;
        for _ in 0..count {
            self.say(Envelope { waits: Some(more), ..Envelope::on("waiting", &key, 0) });
        }
    }

    /// Closes a listener on purpose: the primary learns of it, and what was not taken goes to other workers.
    pub(super) fn close_listener(&mut self, id: ListenerId) {
        let Some(listening) = self.listeners.remove(&id) else { return };
        self.say(Envelope::on("close", &listening.key, 0));
        if let Source::Primary { connections, .. } = listening.source {
            for (seq, _) in connections {
                self.answer_connection(seq, false);
            }
        }
    }

    pub(super) fn close_listeners(&mut self) {
        let all: Vec<ListenerId> = self.listeners.keys().copied().collect();
        all.into_iter().for_each(|id| self.close_listener(id));
    }
}
