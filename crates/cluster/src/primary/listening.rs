//! Listening on the workers' behalf: one port, many workers.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socket2::Socket;

use super::listener::{Distribution, Listener, ListenerId};
use super::rotation::{Member, Rotation};
use super::{Event, Primary};
use crate::bind::{self, Options};
use crate::wire::{Envelope, Received};
use crate::{Address, HandleKind, SchedulingPolicy, WorkerId};

/// Node's backlog, where a worker does not say.
const BACKLOG: i32 = 511;

/// How long a new worker has to ask for the listener of one that crashed.
const REPLACEMENT: Duration = Duration::from_secs(10);

impl Primary {
    /// Takes no connection any more on the sockets that workers share ([`SchedulingPolicy::Shared`]): whoever waits in accept(2) gets
    /// `EINVAL`, in every worker at once, and new clients are refused. Those that were connected and not yet accepted are reset.
    ///
    /// For workers that gave the socket to a library ([`Listener::into_std`](crate::Listener::into_std)) which cannot stop by itself. Call it right before
    /// [`begin_shutdown`](Primary::begin_shutdown), or before [`disconnect_all`](Primary::disconnect_all): a worker that begins to listen after it opens the
    /// socket again.
    pub fn stop_accepting(&mut self) {
        for listener in self.listeners.all.values() {
            if let Distribution::Shared(_) = listener.distribution {
                // It fails where no worker listens yet, and then there is nothing to stop.
                let _ = listener.socket.shutdown(std::net::Shutdown::Read);
            }
        }
    }

    /// A worker asks for a listener; Node's `queryServer`.
    pub(super) fn query_server(&mut self, worker: WorkerId, query: &Received) {
        let Some(child) = self.workers.get(&worker) else { return };
        if child.asked == Some(true) {
            return; // as Node: a worker that is leaving gets no answer
        }
        let (key, listener) = match self.find_or_open(worker, query) {
            Ok(found) => found,
            Err((key, errno)) => {
                let errno = Some(json!(-errno));
                return self.reply(
                    worker,
                    query,
                    Envelope { errno, key: Some(key), ..Envelope::default() },
                );
            }
        };
        let says_when = query.is_true("waits");
        let Some(found) = self.listeners.all.get_mut(&listener) else { return };
        found.orphaned_by = None;
        let reply = Envelope {
            key: Some(key),
            data: Some(found.data.clone()),
            waits: says_when.then_some(true),
            ..Envelope::default()
        };
        match &mut found.distribution {
            Distribution::RoundRobin(rotation) => {
                let member = if says_when { Member::says_when() } else { Member::AlwaysWaits };
                rotation.join(worker, member);
                let sockname = sockname(&found.socket);
                self.reply(worker, query, Envelope { errno: Some(Value::Null), sockname, ..reply });
                self.hand_out(listener);
            }
            Distribution::Shared(members) => {
                members.insert(worker);
                let reply = Envelope { errno: Some(json!(0)), ack: query.seq(), ..reply };
                let kind = match found.address {
                    Address::Udp(_) | Address::PrimaryUdpFd(_) => HandleKind::Datagram,
                    _ => HandleKind::Listener,
                };
                match found.socket.as_fd().try_clone_to_owned() {
                    Ok(socket) => self.push_to(worker, reply, Some((kind, Arc::new(socket)))),
                    Err(error) => {
                        let errno = Some(json!(-error.raw_os_error().unwrap_or_default()));
                        self.push_to(worker, Envelope { errno, ..reply }, None);
                    }
                }
            }
        }
    }

    /// The listener for a query, by its key. Failure: the key, and the errno.
    fn find_or_open(
        &mut self,
        worker: WorkerId,
        query: &Received,
    ) -> Result<(String, ListenerId), (String, i32)> {
        let mut key = key(query);
        // Node's numbering: the n-th `listen(0)` of every worker is the same port. On a fixed port only a
        // second listener of the same worker is another one, and finds the port taken.
        let found = self.listeners.all.iter().find(|(_, listener)| listener.key == key);
        let taken = found.is_some_and(|(_, listener)| listener.contains(worker));
        if query.number("port") == Some(0) || taken {
            key = format!("{key}:{}", query.number("index").unwrap_or(0));
        }
        if let Some((&id, _)) =
            self.listeners.all.iter().find(|(_, it)| it.key == key && !it.contains(worker))
        {
            return Ok((key, id));
        }
        let Some(address) = Address::from_fields(query) else {
            return Err((key, nix::libc::EAFNOSUPPORT));
        };
        match self.open(&key, address, query) {
            Ok(id) => Ok((key, id)),
            Err(error) => Err((key, error.raw_os_error().unwrap_or(nix::libc::EINVAL))),
        }
    }

    fn open(
        &mut self,
        key: &str,
        address: Address,
        query: &Received,
    ) -> std::io::Result<ListenerId> {
        let socket = bind::bind(&address, &Options::from_query(query))?;
        let distribution = match self.scheduling_policy {
            // Nobody can accept datagrams for somebody else: that socket is always shared.
            SchedulingPolicy::RoundRobin
                if !matches!(address, Address::Udp(_) | Address::PrimaryUdpFd(_)) =>
            {
                let backlog = query.number("backlog").filter(|&backlog| backlog > 0);
                socket.listen(backlog.and_then(|it| it.try_into().ok()).unwrap_or(BACKLOG))?;
                socket.set_nonblocking(true)?;
                Distribution::RoundRobin(Rotation::new())
            }
            SchedulingPolicy::RoundRobin | SchedulingPolicy::Shared => {
                // Blocking or not belongs to the socket, so to all workers: the first one decides.
                socket.set_nonblocking(!query.is_true("blocking"))?;
                Distribution::Shared(BTreeSet::new())
            }
        };
        self.listeners.last += 1;
        let listener = Listener {
            key: key.to_owned(),
            address,
            socket: Arc::new(socket),
            distribution,
            data: query.get("data").cloned().unwrap_or(Value::Null),
            resting_until: None,
            orphaned_by: None,
        };
        self.listeners.all.insert(self.listeners.last, listener);
        Ok(self.listeners.last)
    }

    /// A worker's listener is up; Node's `listening`.
    pub(super) fn told_listening(&mut self, worker: WorkerId, message: &Received) {
        if let Some(address) = Address::from_fields(message) {
            self.news.push_back(Event::Listening(worker, address));
        }
    }

    /// A worker closes a listener on purpose; Node's `close`.
    pub(super) fn close_listener(&mut self, worker: WorkerId, message: &Received) {
        if let Some(listener) = self.listener_of(worker, message)
            && let Some(found) = self.listeners.all.get_mut(&listener)
        {
            found.leave(worker);
            if found.is_unused() {
                self.listeners.all.remove(&listener);
            }
            self.listeners.resting.retain(|it| it.worker != worker || it.listener != listener);
        }
    }

    pub(super) fn listener_of(&self, worker: WorkerId, message: &Received) -> Option<ListenerId> {
        let key = message.text("key")?;
        let mine = |listener: &Listener| listener.key == key && listener.contains(worker);
        self.listeners.all.iter().find(|(_, listener)| mine(listener)).map(|(&id, _)| id)
    }

    /// A worker is gone: connections that it had not taken go to others, and its listeners lose a user.
    pub(super) fn leave_listeners(&mut self, worker: WorkerId, voluntary: bool) {
        self.listeners.resting.retain(|resting| resting.worker != worker);
        for listener in self.listeners.all.values_mut().filter(|it| it.contains(worker)) {
            listener.leave(worker);
            if listener.is_unused() {
                listener.orphaned_by = Some(worker);
            }
        }
        let not_taken: Vec<u64> = self
            .listeners
            .under_way
            .iter()
            .rev()
            .filter(|(_, under_way)| under_way.worker == worker)
            .map(|(&seq, _)| seq)
            .collect();
        not_taken.into_iter().for_each(|seq| self.take_back(seq));
        if voluntary {
            self.listeners.all.retain(|_, listener| listener.orphaned_by != Some(worker));
        }
    }

    /// Closes the listeners that no worker holds as well. A worker that is too busy to hear that it shall leave would keep them open
    /// for clients that nobody serves any more.
    pub(super) fn close_what_only_we_hold(&mut self) {
        let shared = |it: &Listener| matches!(it.distribution, Distribution::Shared(_));
        self.listeners.all.retain(|_, listener| shared(listener));
    }

    /// Closes the listeners whose last user crashed, once nobody can be expected to come for them.
    pub(super) fn close_orphans(&mut self) {
        if self.listeners.all.values().all(|listener| listener.orphaned_by.is_none()) {
            return;
        }
        let now = Instant::now();
        let hopeless =
            |orphaned_by| self.ending.is_some() || self.may_be_replaced(orphaned_by, now).is_none();
        let hopeless: Vec<ListenerId> = self
            .listeners
            .all
            .iter()
            .filter(|(_, listener)| listener.orphaned_by.is_some_and(hopeless))
            .map(|(&id, _)| id)
            .collect();
        for id in hopeless {
            self.listeners.all.remove(&id);
        }
    }

    /// Until when somebody may come for what this worker left: it was only just told gone, or others were started since.
    fn may_be_replaced(&self, crashed: WorkerId, now: Instant) -> Option<Instant> {
        // The exit of one that crashed has not been told yet: only then can the program replace it.
        let untold = self.workers.values().any(|child| child.asked == Some(false));
        if untold || self.workers.contains_key(&crashed) || !self.due.is_empty() {
            return Some(now + REPLACEMENT);
        }
        let younger = self.workers.range(crashed..).map(|(_, child)| child);
        let hopeful = younger.filter(|child| child.asked != Some(true));
        hopeful.map(|child| child.started + REPLACEMENT).filter(|&until| until > now).max()
    }

    /// When a listener needs attention although nothing happens.
    pub(super) fn listeners_due(&self) -> Option<Instant> {
        let now = Instant::now();
        let resting = |listener: &Listener| listener.resting_until.filter(|&until| until > now);
        let orphan = |listener: &Listener| self.may_be_replaced(listener.orphaned_by?, now);
        let all = self.listeners.all.values();
        let listeners = all.flat_map(|it| resting(it).into_iter().chain(orphan(it)));
        listeners.chain(self.listeners.resting.iter().map(|resting| resting.until)).min()
    }

    fn reply(&mut self, worker: WorkerId, query: &Received, reply: Envelope) {
        let data = reply.data.or(Some(Value::Null));
        self.push_to(worker, Envelope { ack: query.seq(), data, ..reply }, None);
    }

    /// Sends a message of the cluster layer.
    fn push_to(
        &mut self,
        worker: WorkerId,
        message: Envelope,
        socket: Option<(HandleKind, Arc<OwnedFd>)>,
    ) {
        let message = Envelope { seq: self.next_seq(), ..message };
        let Some(channel) = self.channel(worker) else { return };
        match socket {
            Some((kind, socket)) => channel.push_internal_with(message, kind, socket),
            None => channel.push_internal(&message),
        }
        let _ = channel.flush(); // if the worker is gone, the read side finds out
    }
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
fn sockname(socket: &Socket) -> Option<Value> {
    let address = socket.local_addr().ok()?.as_socket()?;
    let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
    Some(json!({"address": address.ip().to_string(), "family": family, "port": address.port()}))
}
