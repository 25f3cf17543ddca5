//! A worker's listener: the same port as its siblings'.

use std::marker::PhantomData;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Instant;

use super::core::Core;
use super::listeners::ListenerId;
use super::waiting::Waiting;
use crate::{Address, Error, IntoStdError, SchedulingPolicy};

/// A listener that all workers share; Node's `net.Server` in a worker.
///
/// Under [`SchedulingPolicy::RoundRobin`] the primary hands a connection over when the program
/// waits in [`accept`](Listener::accept), so that no client waits behind another one while a worker
/// idles. Under [`SchedulingPolicy::Shared`] the workers accept from one socket.
///
/// Dropping it closes it with the next thing that this worker says or waits for;
/// [`close`](Listener::close) does so at once. Connections that were handed over and not taken go
/// to other workers. A worker that dies, by a panic or an error that ends `main` too, leaves the
/// port to its replacement.
#[derive(Debug)]
pub struct Listener<S = TcpStream> {
    core: Arc<Core>,
    id: ListenerId,
    address: Address,
    mode: Mode,
    stream: PhantomData<fn() -> S>,
}

/// Where a listener's connections come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    /// The primary hands them over.
    HandedOver,
    /// A socket, which this worker accepts from.
    Shared,
    /// The same, in blocking mode.
    Blocking,
}

impl<S: From<OwnedFd>> Listener<S> {
    pub(super) fn new(
        core: Arc<Core>,
        id: ListenerId,
        address: Address,
        mode: Mode,
    ) -> Listener<S> {
        Listener { core, id, address, mode, stream: PhantomData }
    }

    /// Where it listens; with port 0 the port is the one that the system chose.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Who chooses the worker for its connections. Under [`SchedulingPolicy::Shared`]
    /// [`into_std`](Listener::into_std) gives the socket; an
    /// [`exclusive`](super::Listen::exclusive) one counts as that, whatever the others do.
    pub fn scheduling_policy(&self) -> SchedulingPolicy {
        match self.mode {
            Mode::HandedOver => SchedulingPolicy::RoundRobin,
            Mode::Shared | Mode::Blocking => SchedulingPolicy::Shared,
        }
    }

    /// Waits for a connection, in blocking mode. `None`: the listener is closed, because the
    /// primary asked this worker to leave or is gone.
    ///
    /// Where this process has no descriptor left for a connection (`EMFILE` and its kin) it rests,
    /// and goes on when there is one; meanwhile the other workers get the connections.
    ///
    /// # Errors
    /// [`Error::Blocking`] on a shared socket in blocking mode, which is for
    /// [`into_std`](Listener::into_std) alone.
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
        if self.mode == Mode::Blocking {
            // It would block with the worker's lock in its hand, when another worker is faster.
            return Err(Error::Blocking { address: self.address.to_string(), blocks: true });
        }
        let waiting = Waiting::begin(&self.core, self.id);
        let found = self.core.wait_for(deadline, |state| Ok(state.take_connection(self.id)));
        drop(waiting);
        Ok(found?.flatten().map(S::from))
    }

    /// The connections as they come, until the listener is closed.
    pub fn incoming(&self) -> impl Iterator<Item = Result<S, Error>> + '_ {
        std::iter::from_fn(|| self.accept().transpose())
    }

    /// Closes it now; Node's `server.close()`. When the last worker has closed it, clients are
    /// refused.
    pub fn close(self) {
        let core = Arc::clone(&self.core);
        drop(self);
        // It fails when the primary is gone, and the listener with it.
        let _ = core.lock().flush();
    }

    fn into_shared(self) -> Result<OwnedFd, IntoStdError<Listener<S>>> {
        let Some(socket) = self.core.lock().listeners.take_socket(self.id) else {
            let error = Error::NotShared(self.address.to_string());
            return Err(IntoStdError { listener: self, error });
        };
        // Another thread may hold it, which waits for it just now.
        let copied = Arc::try_unwrap(socket).or_else(|socket| {
            socket.as_fd().try_clone_to_owned().map_err(|source| (socket, source))
        });
        copied.map_err(|(socket, source)| {
            self.core.lock().listeners.give_back_socket(self.id, socket);
            let error = Error::System { what: "duplicate a listening socket", source };
            IntoStdError { listener: self, error }
        })
    }
}

impl Listener<TcpStream> {
    /// The shared listening socket itself, for a library that accepts by itself. The worker's part
    /// in the cluster goes on: see [`run_in_background`](super::Worker::run_in_background); it
    /// counts as a user of the socket until it leaves.
    ///
    /// # Errors
    /// [`Error::NotShared`] under [`SchedulingPolicy::RoundRobin`]; the listener comes back with
    /// it, and `?` makes an [`Error`] of both.
    pub fn into_std(self) -> Result<TcpListener, IntoStdError<Listener<TcpStream>>> {
        self.into_shared().map(TcpListener::from)
    }
}

impl Listener<UnixStream> {
    /// The shared listening socket itself, as [`Listener::into_std`] of TCP.
    ///
    /// # Errors
    /// As there.
    pub fn into_std(self) -> Result<UnixListener, IntoStdError<Listener<UnixStream>>> {
        self.into_shared().map(UnixListener::from)
    }
}

impl<S> Drop for Listener<S> {
    fn drop(&mut self) {
        let mut state = self.core.lock();
        if !state.listeners.is_taken(self.id) {
            // The primary learns of it with the next thing that we say or wait for. If there is
            // none, because this is a panic or the error that ends `main`, then it was no purpose
            // but a crash, and the port belongs to the replacement.
            state.close_listener(self.id);
        }
    }
}
