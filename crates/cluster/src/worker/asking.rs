//! Asking the primary for a listener; Node's `queryServer`.

use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;
use serde_json::{Value, json};

use super::Worker;
use super::datagrams::Datagrams;
use super::listen::Listen;
use super::listener::{Listener, Mode};
use super::listeners::ListenerId;
use super::listening::{HandedOver, Listening, Source};
use super::replies::Reply;
use crate::bind;
use crate::wire::{Envelope, Received};
use crate::{Address, Error, SchedulingPolicy};

impl Worker {
    /// Listens for TCP where all workers that ask for it listen; Node's `server.listen()` in a
    /// worker.
    ///
    /// The primary binds, so a worker needs no rights for it. With port 0 all workers get the same
    /// free port: their first `listen` on 0 the first one, their second the second.
    ///
    /// # Errors
    /// [`Error::Listen`] names the address and says why; [`Error::Blocking`]; [`Error::Leaving`]
    /// when the primary has asked this worker to leave; [`Error::PrimaryGone`] when the channel is
    /// closed.
    pub fn listen(&mut self, on: impl Into<Listen>) -> Result<Listener<TcpStream>, Error> {
        self.listen_on(on.into())
    }

    /// Listens on a Unix socket; Node's `server.listen(path)` in a worker. The primary removes the
    /// file when the last worker has closed it.
    ///
    /// # Errors
    /// As [`listen`](Worker::listen).
    pub fn listen_unix(&mut self, path: impl Into<PathBuf>) -> Result<Listener<UnixStream>, Error> {
        self.listen_on(Listen::unix(path))
    }

    /// Binds a UDP socket that all workers share who ask for it; Node's `socket.bind()` in a
    /// worker. The kernel chooses who gets a datagram, whatever the scheduling policy.
    ///
    /// # Errors
    /// As [`listen`](Worker::listen).
    pub fn bind_udp(&mut self, on: impl Into<Listen>) -> Result<Datagrams, Error> {
        let on = on.into();
        let granted = self.ask(&on, on.resolve()?.over_udp())?;
        Datagrams::new(Arc::clone(&self.core), granted.id, granted.up)
    }

    fn listen_on<S: From<OwnedFd>>(&mut self, on: Listen) -> Result<Listener<S>, Error> {
        let granted = self.ask(&on, on.resolve()?)?;
        let mode = match (granted.shared, on.blocking) {
            (false, _) => Mode::HandedOver,
            (true, false) => Mode::Shared,
            (true, true) => Mode::Blocking,
        };
        Ok(Listener::new(Arc::clone(&self.core), granted.id, granted.up, mode))
    }

    fn ask(&mut self, on: &Listen, address: Address) -> Result<Granted, Error> {
        self.core.lock().check_serves()?;
        if on.exclusive {
            return self.bind_alone(on, &address).map_err(|error| self.failed(&address, error));
        }
        let index = self.core.lock().listeners.take_index(&address);
        let granted = self.ask_primary(on, &address, index);
        if granted.is_err() {
            self.core.lock().listeners.give_back_index(&address);
        }
        granted
    }

    /// A socket of this worker's own; the primary learns nothing of it.
    fn bind_alone(&self, on: &Listen, address: &Address) -> Result<Granted, Error> {
        let refused = |source| Error::Listen { address: address.to_string(), source };
        let socket = bind::bind(address, &on.options()).map_err(refused)?;
        socket.set_nonblocking(!on.blocking).map_err(refused)?;
        let socket = OwnedFd::from(socket);
        let port = start(&socket, address, on)?;
        let up = port.map_or_else(|| address.clone(), |port| address.clone().with_port(port));
        let own = Listening::new(None, address.clone(), Source::Shared(Arc::new(socket)));
        let id = self.core.lock().listeners.add(own);
        Ok(Granted { id, up, shared: true })
    }

    fn ask_primary(&self, on: &Listen, address: &Address, index: u32) -> Result<Granted, Error> {
        let query = query(address, on, index);
        let (reply, socket) = self.await_answer(address, &query)?;
        if let Some(errno @ ..0) = reply.number("errno") {
            let errno = errno.checked_neg().and_then(|errno| i32::try_from(errno).ok());
            let errno = errno.unwrap_or(Errno::INVAL.raw_os_error());
            let source = std::io::Error::from_raw_os_error(errno);
            return Err(Error::Listen { address: address.to_string(), source });
        }
        let port = match &socket {
            Some(socket) => start(socket, address, on).map_err(|error| {
                // The primary counts this worker in already.
                let key = reply.text("key").unwrap_or_default();
                self.core.lock().note(Envelope::on("close", key, 0));
                self.failed(address, error)
            })?,
            None => reply.get("sockname").and_then(|name| name.get("port")).and_then(port_of),
        };
        let up = port.map_or_else(|| address.clone(), |port| address.clone().with_port(port));
        let shared = socket.is_some();
        let source = match socket {
            Some(socket) => Source::Shared(Arc::new(socket)),
            None => Source::Primary(HandedOver::new(reply.is_true("waits"))),
        };
        let key = reply.text("key").map(str::to_owned);
        let mut state = self.core.lock();
        let id = state.listeners.add(Listening::new(key, address.clone(), source));
        // Also of a socket that was asked for by its number, as Node says it.
        let port = port.map_or_else(|| up.to_fields().1, Value::from);
        state.say(Envelope { act: Some("listening"), port: Some(port), ..query });
        Ok(Granted { id, up, shared })
    }

    /// What the primary answers, and the socket that comes along.
    fn await_answer(
        &self,
        address: &Address,
        query: &Envelope,
    ) -> Result<(Received, Option<OwnedFd>), Error> {
        let no_room = |errno| self.failed(address, refused(address)(errno));
        let reserve = self.reserve(address).map_err(no_room)?;
        let request = self.core.lock().request(query.clone(), reserve);
        let answer = self.core.wait_for(None, |state| match state.replies.take(request) {
            Some(reply) => Ok(Some(reply)),
            None => state.check_serves().map(|()| None), // a worker that is leaving gets no answer
        });
        self.core.lock().replies.forget(request);
        match answer? {
            Some(Reply::Answered(reply, socket)) => Ok((reply, socket)),
            Some(Reply::GivenUp) => Err(no_room(Errno::MFILE)),
            None => Err(Error::PrimaryGone),
        }
    }

    /// Room for the socket that the answer may bring: without it the answer would be lost, and not
    /// come again.
    fn reserve(&self, address: &Address) -> rustix::io::Result<Option<OwnedFd>> {
        let datagrams = matches!(address, Address::Udp(_) | Address::PrimaryUdpFd(_));
        if self.scheduling_policy() == Some(SchedulingPolicy::RoundRobin) && !datagrams {
            return Ok(None); // it brings none
        }
        rustix::io::fcntl_dupfd_cloexec(self.core.socket(), 0).map(Some)
    }

    /// Tells a primary of ours that this worker cannot listen, and why: nobody else knows.
    fn failed(&self, address: &Address, error: Error) -> Error {
        if self.core.terms.is_none() {
            return error;
        }
        let (errno, blocking) = match &error {
            Error::Listen { source, .. } => {
                (Some(json!(-source.raw_os_error().unwrap_or(Errno::INVAL.raw_os_error()))), None)
            }
            Error::Blocking { blocks, .. } => (None, Some(*blocks)),
            _ => return error,
        };
        let (place, port, address_type) = address.to_fields();
        self.core.lock().say(Envelope {
            errno,
            blocking,
            address: Some(place),
            port: Some(port),
            address_type: Some(address_type),
            fd: number(address),
            ..Envelope::act("listenFailed", 0)
        });
        error
    }
}

/// A listener that this worker has now.
struct Granted {
    id: ListenerId,
    /// Where it is, with the real port.
    up: Address,
    /// Whether it is a socket of our own or shared, and not handed out by the primary.
    shared: bool,
}

/// The question for a listener, field by field as a Node worker writes it, so that both get the
/// same one.
fn query(asked: &Address, on: &Listen, index: u32) -> Envelope {
    let (address, port, address_type) = asked.to_fields();
    let datagrams = matches!(asked, Address::Udp(_) | Address::PrimaryUdpFd(_));
    let bind::Options { only_v6, reuse_address, readable_all, writable_all, .. } = on.options();
    let flags = u32::from(only_v6) | if reuse_address { 4 } else { 0 };
    Envelope {
        index: Some(index),
        data: Some(Value::Null),
        address: Some(address),
        port: Some(port),
        address_type: Some(address_type),
        fd: number(asked).or(datagrams.then_some(-1)),
        flags: matches!(asked, Address::Tcp(_) | Address::Udp(_)).then_some(flags),
        backlog: on.backlog,
        readable_all: readable_all.then_some(true),
        writable_all: writable_all.then_some(true),
        waits: (!datagrams).then_some(true),
        blocking: on.blocking.then_some(true),
        ..Envelope::act("queryServer", 0)
    }
}

/// Makes a shared socket listen, and says its port.
fn start(socket: &OwnedFd, address: &Address, on: &Listen) -> Result<Option<u16>, Error> {
    let bound = rustix::net::getsockname(socket).map_err(refused(address))?;
    let port = SocketAddr::try_from(bound).ok().map(|bound| bound.port());
    // A Node primary sends an unbound socket where the port is taken: its bind fails late.
    if address.port().is_some_and(|wanted| wanted > 0 && port != Some(wanted)) {
        return Err(refused(address)(Errno::ADDRINUSE));
    }
    let blocks = !fcntl_getfl(socket).map_err(refused(address))?.contains(OFlags::NONBLOCK);
    if blocks != on.blocking {
        return Err(Error::Blocking { address: address.to_string(), blocks });
    }
    if !matches!(address, Address::Udp(_) | Address::PrimaryUdpFd(_)) {
        let backlog = bind::backlog(on.backlog.map(i64::from));
        rustix::net::listen(socket, backlog).map_err(refused(address))?;
    }
    Ok(port)
}

fn refused(address: &Address) -> impl Fn(Errno) -> Error {
    move |errno| Error::Listen { address: address.to_string(), source: errno.into() }
}

/// The number that the primary has the socket open under, where it was asked for by that.
fn number(address: &Address) -> Option<i32> {
    match address {
        Address::PrimaryFd(number) | Address::PrimaryUdpFd(number) => Some(*number),
        _ => None,
    }
}

fn port_of(value: &Value) -> Option<u16> {
    value.as_u64()?.try_into().ok()
}
