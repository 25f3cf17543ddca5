//! Asking the primary for a listener; Node's `queryServer`.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;
use serde_json::Value;

use super::Worker;
use super::datagrams::Datagrams;
use super::listen::Listen;
use super::listener::Listener;
use super::listeners::ListenerId;
use super::listening::{HandedOver, Listening, Source};
use super::state::Standing;
use crate::bind;
use crate::wire::Envelope;
use crate::{Address, Error};

impl Worker {
    /// Listens for TCP where all workers that ask for it listen; Node's `server.listen()` in a worker.
    ///
    /// The primary binds, so a worker needs no rights for it. With port 0 all workers get the same free port: their first
    /// `listen` on 0 the first one, their second the second.
    ///
    /// # Errors
    /// [`Error::Listen`] names the address and says why; [`Error::Blocking`]; [`Error::PrimaryGone`] when this worker is leaving.
    pub fn listen(&mut self, on: impl Into<Listen>) -> Result<Listener<TcpStream>, Error> {
        self.listen_on(on.into())
    }

    /// Listens on a Unix socket; Node's `server.listen(path)` in a worker. The primary removes the file when the last worker has closed it.
    ///
    /// # Errors
    /// As [`listen`](Worker::listen).
    pub fn listen_unix(&mut self, path: impl Into<PathBuf>) -> Result<Listener<UnixStream>, Error> {
        self.listen_on(Listen::unix(path))
    }

    /// Binds a UDP socket that all workers share who ask for it; Node's `socket.bind()` in a worker. The kernel chooses who gets a
    /// datagram, whatever the scheduling policy.
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
        let blocking = granted.shared && on.blocking;
        Ok(Listener::new(Arc::clone(&self.core), granted.id, granted.up, blocking))
    }

    fn ask(&mut self, on: &Listen, address: Address) -> Result<Granted, Error> {
        if on.exclusive {
            return self.bind_alone(on, address);
        }
        let index = self.core.lock().listeners.take_index(&address);
        let granted = self.ask_primary(on, &address, index);
        if granted.is_err() {
            self.core.lock().listeners.give_back_index(&address);
        }
        granted
    }

    /// A socket of this worker's own; the primary learns nothing of it.
    fn bind_alone(&mut self, on: &Listen, address: Address) -> Result<Granted, Error> {
        let refused = |source| Error::Listen { address: address.to_string(), source };
        let socket = bind::bind(&address, &on.options()).map_err(refused)?;
        socket.set_nonblocking(!on.blocking).map_err(refused)?;
        let socket = OwnedFd::from(socket);
        let port = start(&socket, &address, on)?;
        let up = port.map_or_else(|| address.clone(), |port| address.clone().with_port(port));
        let own = Listening::new(None, address, Source::Shared(Arc::new(socket)));
        let id = self.core.lock().listeners.add(own);
        Ok(Granted { id, up, shared: true })
    }

    fn ask_primary(
        &mut self,
        on: &Listen,
        address: &Address,
        index: u32,
    ) -> Result<Granted, Error> {
        let query = query(address, on, index);
        let request = self.core.lock().request(query.clone());
        let answer = self.core.wait_for(None, |state| {
            let answered = state.replies.get(&request).is_some_and(Option::is_some);
            if !answered && state.standing != Standing::Connected {
                return Err(Error::PrimaryGone); // a worker that is leaving gets no answer
            }
            Ok(answered.then(|| state.replies.remove(&request)).flatten().flatten())
        });
        self.core.lock().replies.remove(&request);
        let Some((reply, socket)) = answer? else { return Err(Error::PrimaryGone) };
        let refused = |errno: i32| Error::Listen {
            address: address.to_string(),
            source: io::Error::from_raw_os_error(errno),
        };
        if let Some(errno @ ..0) = reply.number("errno") {
            return Err(refused(i32::try_from(-errno).unwrap_or(Errno::INVAL.raw_os_error())));
        }
        let port = match &socket {
            Some(socket) => start(socket, address, on).inspect_err(|_| {
                // The primary counts this worker in already.
                let key = reply.text("key").unwrap_or_default();
                self.core.lock().say(Envelope::on("close", key, 0));
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
}

/// A listener that this worker has now.
struct Granted {
    id: ListenerId,
    /// Where it is, with the real port.
    up: Address,
    /// Whether it is a socket of our own or shared, and not handed out by the primary.
    shared: bool,
}

/// The question for a listener, field by field as a Node worker writes it, so that both get the same one.
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
        fd: match asked {
            Address::PrimaryFd(number) | Address::PrimaryUdpFd(number) => Some(*number),
            _ => datagrams.then_some(-1),
        },
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
    let refused =
        |errno: Errno| Error::Listen { address: address.to_string(), source: errno.into() };
    let bound = rustix::net::getsockname(socket).map_err(refused)?;
    let port = SocketAddr::try_from(bound).ok().map(|bound| bound.port());
    // A Node primary sends an unbound socket where the port is taken: its bind fails late.
    if address.port().is_some_and(|wanted| wanted > 0 && port != Some(wanted)) {
        return Err(refused(Errno::ADDRINUSE));
    }
    let blocks = !fcntl_getfl(socket).map_err(refused)?.contains(OFlags::NONBLOCK);
    if blocks != on.blocking {
        return Err(Error::Blocking { address: address.to_string(), blocks });
    }
    if !matches!(address, Address::Udp(_) | Address::PrimaryUdpFd(_)) {
        rustix::net::listen(socket, bind::backlog(on.backlog.map(i64::from))).map_err(refused)?;
    }
    Ok(port)
}

fn port_of(value: &Value) -> Option<u16> {
    value.as_u64()?.try_into().ok()
}
