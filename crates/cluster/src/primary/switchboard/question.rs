//! A worker asks for a listener; Node's `queryServer`.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Instant;

use serde_json::{Value, json};

use super::bound::Bound;
use super::desk::Order;
use super::listener::{Listener, ListenerId};
use super::{Reserve, Switchboard};
use crate::bind::{self, Options};
use crate::primary::event::Event;
use crate::rest::REST;
use crate::wire::{Envelope, Received};
use crate::{Address, Error, SchedulingPolicy, WorkerId};

/// How many questions of one worker may wait for a descriptor.
const MOST_PARKED: usize = 16;

/// A question that waits for a free descriptor.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) worker: WorkerId,
    question: Received,
    pub(super) again_at: Instant,
}

impl Switchboard {
    /// A worker asks for a listener. The answer is an order; where a new socket is needed and no
    /// descriptor is free, it waits.
    pub(crate) fn asked(
        &mut self,
        worker: WorkerId,
        question: Received,
        policy: SchedulingPolicy,
        reserve: &mut Reserve,
    ) {
        if self.stopping {
            return; // as Node: a worker that is leaving gets no answer
        }
        let key = self.key_for(worker, &question);
        let found = self.listeners.values_mut().find(|it| it.key == key && !it.contains(worker));
        let listener = match found.map(|listener| listener.id) {
            Some(id) => Ok(id),
            None => self.open(&key, &question, policy, reserve),
        };
        match listener {
            Ok(id) => self.grant(worker, id, &question),
            Err(error) if is_for_want_of_descriptors(&error) && self.may_park(worker) => {
                self.parked.push(Parked { worker, question, again_at: Instant::now() + REST });
            }
            Err(error) => self.refuse(worker, key, &question, error),
        }
    }

    /// Questions that waited for a descriptor are asked again.
    pub(super) fn ask_again(
        &mut self,
        now: Instant,
        policy: SchedulingPolicy,
        reserve: &mut Reserve,
    ) {
        if self.parked.first().is_some_and(|question| question.again_at <= now) {
            for Parked { worker, question, .. } in std::mem::take(&mut self.parked) {
                self.asked(worker, question, policy, reserve);
            }
        }
    }

    fn may_park(&self, worker: WorkerId) -> bool {
        self.parked.iter().filter(|it| it.worker == worker).count() < MOST_PARKED
    }

    /// Node's numbering: the n-th `listen(0)` of every worker is the same port. On a fixed port
    /// only a second listener of the same worker is another one, and finds the port taken.
    fn key_for(&self, worker: WorkerId, question: &Received) -> String {
        let key = key(question);
        let first = self.listeners.values().find(|listener| listener.key == key);
        let taken = first.is_some_and(|listener| listener.contains(worker));
        if question.number("port") == Some(0) || taken {
            return format!("{key}:{}", question.number("index").unwrap_or(0));
        }
        key
    }

    fn open(
        &mut self,
        key: &str,
        question: &Received,
        policy: SchedulingPolicy,
        reserve: &mut Reserve,
    ) -> io::Result<ListenerId> {
        let unknown = || io::Error::from_raw_os_error(nix::libc::EAFNOSUPPORT);
        let address = Address::from_fields(question).ok_or_else(unknown)?;
        if reserve.is_short() {
            return Err(io::Error::from_raw_os_error(nix::libc::EMFILE));
        }
        let socket = bind::bind(&address, &Options::from_query(question))?;
        reserve.saw(socket.as_raw_fd());
        // Nobody can accept datagrams for somebody else: that socket is always shared.
        let is_udp = matches!(address, Address::Udp(_) | Address::PrimaryUdpFd(_));
        let id = self.last + 1;
        let data = question.get("data").cloned().unwrap_or(Value::Null);
        let listener = if policy == SchedulingPolicy::RoundRobin && !is_udp {
            socket.listen(bind::backlog(question.number("backlog")))?;
            socket.set_nonblocking(true)?;
            Listener::round_robin(id, key, Bound::new(OwnedFd::from(socket), address), data)
        } else {
            // Blocking or not belongs to the socket, so to all workers: the first one decides.
            let blocking = question.is_true("blocking");
            socket.set_nonblocking(!blocking)?;
            Listener::shared(id, key, Bound::new(OwnedFd::from(socket), address), data, blocking)
        };
        self.last = id;
        self.listeners.insert(id, listener);
        Ok(id)
    }

    fn grant(&mut self, worker: WorkerId, id: ListenerId, question: &Received) {
        let Some(listener) = self.listeners.get_mut(&id) else { return };
        let says_when = question.is_true("waits");
        listener.join(worker, says_when);
        let socket = listener.bound.as_ref().map(|bound| bound.socket.clone());
        let shared = listener.shared_kind();
        let reply = Envelope {
            key: Some(listener.key.clone()),
            data: Some(listener.data.clone()),
            waits: says_when.then_some(true),
            ack: question.seq(),
            seq: self.desk.next_seq(),
            ..Envelope::default()
        };
        let (reply, socket) = match (shared, socket) {
            (Some(kind), Some(socket)) => {
                (Envelope { errno: Some(json!(0)), ..reply }, Some((kind, socket)))
            }
            (_, socket) => {
                let sockname = socket.as_ref().and_then(sockname);
                (Envelope { errno: Some(Value::Null), sockname, ..reply }, None)
            }
        };
        let order = Order::Reply { worker, reply: Box::new(reply), socket };
        self.desk.orders.push_back(order);
        listener.hand_out(&mut self.desk);
        self.tell_if_idle(worker);
    }

    fn refuse(&mut self, worker: WorkerId, key: String, question: &Received, source: io::Error) {
        let errno = source.raw_os_error().unwrap_or(nix::libc::EINVAL);
        let reply = Envelope {
            errno: Some(json!(-errno)),
            key: Some(key),
            data: Some(Value::Null),
            ack: question.seq(),
            seq: self.desk.next_seq(),
            ..Envelope::default()
        };
        let order = Order::Reply { worker, reply: Box::new(reply), socket: None };
        self.desk.orders.push_back(order);
        let error = Error::Listen { address: asked_for(question), source };
        self.desk.orders.push_back(Order::Tell(Event::ListenFailed { worker, error }));
    }

    /// Where a worker's listener is, as its `listening` says. A socket that was asked for by its
    /// number says itself where it is.
    pub(crate) fn address_of(&self, worker: WorkerId, message: &Received) -> Option<Address> {
        let address = Address::from_fields(message)?;
        let found = self.listeners.values().find(|it| it.address == address && it.contains(worker));
        let inherited = matches!(address, Address::PrimaryFd(_) | Address::PrimaryUdpFd(_));
        match found.and_then(|listener| listener.bound.as_ref()).filter(|_| inherited) {
            Some(bound) => Some(bind::address_of(&bound.socket).unwrap_or(address)),
            None => Some(address),
        }
    }
}

/// Where a worker wants to listen, in words.
pub(crate) fn asked_for(question: &Received) -> String {
    match Address::from_fields(question) {
        Some(address) => address.to_string(),
        None => key(question),
    }
}

fn is_for_want_of_descriptors(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(nix::libc::EMFILE | nix::libc::ENFILE | nix::libc::ENOBUFS | nix::libc::ENOMEM)
    )
}

/// Node's key: `address:port:addressType:fd`, each as JavaScript writes it.
fn key(query: &Received) -> String {
    let fields = ["address", "port", "addressType", "fd"].map(|field| match query.get(field) {
        None => "undefined".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    });
    fields.join(":")
}

/// Node's `sockname`; `None` for a Unix socket, as Node has it.
fn sockname(socket: &std::sync::Arc<OwnedFd>) -> Option<Value> {
    let address = SocketAddr::try_from(rustix::net::getsockname(socket).ok()?).ok()?;
    let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
    Some(json!({"address": address.ip().to_string(), "family": family, "port": address.port()}))
}
