//! What workers say: reads their channels and outputs, and acts on it.

use std::time::Instant;

use serde_json::Value;

use super::child::Parting;
use super::switchboard::asked_for;
use super::{Event, Primary};
use crate::channel::{Channel, Filled};
use crate::wire::{Envelope, Incoming, Received};
use crate::{Error, Message, WorkerId};

impl Primary {
    pub(super) fn read_output(&mut self, worker: WorkerId, stream: usize) {
        let Some(child) = self.workers.get_mut(&worker) else { return };
        let Some(output) = &mut child.outputs[stream] else { return };
        let (lines, open) = output.read();
        if !open {
            child.outputs[stream] = None;
        }
        self.news.extend(lines.into_iter().map(|line| Event::Output(worker, line)));
    }

    /// Reads once from a worker's channel, acts on what came, and writes what waits.
    pub(super) fn read_channel(&mut self, worker: WorkerId) {
        let short = self.reserve.is_short();
        let Some(channel) = self.channel(worker) else { return };
        // Without a free descriptor a handle's line is refused, later, so that its sender tries
        // again: forks go first.
        channel.postpone_refusals(short);
        let filled = if short { channel.fill_without_descriptors() } else { channel.fill() };
        let filled = filled.unwrap_or(Filled::Closed);
        if let Some(number) = channel.highest_descriptor() {
            self.reserve.saw(number);
        }
        self.hear(worker);
        if filled == Filled::Closed {
            self.channel_closed(worker);
        } else {
            self.write_channel(worker);
        }
    }

    /// Descriptors are free again: those who sent a handle meanwhile are asked to send it again.
    pub(super) fn take_handles_again(&mut self) {
        for channel in self.workers.values_mut().filter_map(|child| child.channel.as_mut()) {
            channel.postpone_refusals(false);
            let _ = channel.flush(); // if the worker is gone, the read side finds out
        }
    }

    fn write_channel(&mut self, worker: WorkerId) {
        let Some(child) = self.workers.get_mut(&worker) else { return };
        if let Some(channel) = &mut child.channel {
            // It fails when the worker is gone; the next read says so.
            let _ = channel.flush();
        }
        if child.told_full && child.has_room() {
            child.told_full = false;
            self.news.push_back(Event::Drain(worker));
        }
    }

    pub(super) fn channel(&mut self, worker: WorkerId) -> Option<&mut Channel> {
        self.workers.get_mut(&worker)?.channel.as_mut()
    }

    /// Acts on the messages that are here whole.
    pub(super) fn hear(&mut self, worker: WorkerId) {
        while let Some(incoming) = self.channel(worker).and_then(|channel| channel.next()) {
            match incoming {
                Incoming::User(json) => {
                    self.news.push_back(Event::Message(worker, Message::from(json)));
                }
                Incoming::UserWithHandle(json, fd) => {
                    let (message, error) = Message::with_descriptor(json, fd);
                    self.news.extend(error.map(|error| Event::Error(worker, error)));
                    self.news.push_back(Event::Message(worker, message));
                }
                Incoming::Cluster(received) => {
                    self.obey(worker, received);
                    self.carry_out();
                }
                Incoming::Nack => self.send_again(worker),
                Incoming::Bad(bad) => self.news.push_back(Event::Error(worker, bad.into())),
                // No act of a worker's brings a descriptor; dropping closes it. The rest the
                // channel keeps to itself.
                _ => {}
            }
        }
    }

    /// What a worker says to the cluster layer. What nobody here knows is ignored, as Node does.
    fn obey(&mut self, worker: WorkerId, received: Received) {
        match received.act() {
            Some("online") => self.told_online(worker, &received),
            Some("queryServer") => self.asked_to_listen(worker, received),
            Some("listening") => {
                let address = self.switchboard.address_of(worker, &received);
                self.news.extend(address.map(|address| Event::Listening(worker, address)));
            }
            Some("listenFailed") => {
                let error = listen_failure(&received);
                self.news.push_back(Event::ListenFailed { worker, error });
            }
            Some("close") => {
                if let Some(key) = received.text("key") {
                    self.switchboard.closes(worker, key);
                }
            }
            Some("waiting") => {
                if let (Some(key), Some(up_to)) = (received.text("key"), received.count("upTo")) {
                    self.switchboard.waits(worker, key, up_to);
                }
            }
            Some("taken") => {
                if let Some(child) = self.workers.get_mut(&worker) {
                    // It only grows, and never beyond what was sent, whatever the worker says.
                    let taken = received.count("taken").unwrap_or(0);
                    child.taken = taken.clamp(child.taken, child.sent);
                }
            }
            Some("exitedAfterDisconnect") => self.told_of_leaving(worker, &received),
            None => {
                if let Some(ack) = received.ack() {
                    self.switchboard.answered(worker, ack, received.is_true("accepted"));
                }
            }
            Some(_) => {}
        }
    }

    fn told_online(&mut self, worker: WorkerId, received: &Received) {
        let Some(child) = self.workers.get_mut(&worker).filter(|it| it.online_at.is_none()) else {
            return;
        };
        child.online_at = Some(Instant::now());
        child.is_rust = received.text("peer") == Some("rust");
        self.news.push_back(Event::Online(worker));
        if self.ending.is_some() {
            self.ask_to_drain(worker); // it booted while the shutdown began
        }
    }

    fn asked_to_listen(&mut self, worker: WorkerId, question: Received) {
        let Some(child) = self.workers.get_mut(&worker) else { return };
        // As Node: a worker that is leaving gets no answer.
        if child.parting != Parting::Staying || self.ending.is_some() {
            child.turned_away = true;
            return;
        }
        let policy = self.scheduling_policy;
        self.switchboard.asked(worker, question, policy, &mut self.reserve);
    }

    fn told_of_leaving(&mut self, worker: WorkerId, received: &Received) {
        let seq = self.switchboard.next_seq();
        let Some(child) = self.workers.get_mut(&worker) else { return };
        child.parting = Parting::Agreed;
        if let (Some(channel), Some(ack)) = (&mut child.channel, received.seq()) {
            channel.push_internal(&Envelope::answer(ack, seq));
        }
    }

    fn send_again(&mut self, worker: WorkerId) {
        let Some(given_up) = self.channel(worker).and_then(|channel| channel.resend_handle())
        else {
            return;
        };
        if let Some(child) = self.workers.get_mut(&worker) {
            child.sent = child.sent.saturating_sub(given_up.user_bytes() as u64);
        }
        if given_up.messages() > 0 {
            self.news.push_back(Event::Error(worker, Error::Undelivered(given_up.messages())));
        }
        if let Some(socket) = given_up.handle() {
            self.switchboard.lost(socket);
            self.carry_out();
        }
    }

    /// The channel is closed: says so, after everything that the worker had written before.
    pub(super) fn channel_closed(&mut self, worker: WorkerId) {
        for stream in 0..2 {
            self.read_output(worker, stream);
        }
        let Some(child) = self.workers.get_mut(&worker) else { return };
        let Some(channel) = child.channel.take() else { return };
        let voluntary = child.parts();
        let lost = channel.outbox().undelivered();
        if lost > 0 {
            self.news.push_back(Event::Error(worker, Error::Undelivered(lost)));
        }
        self.news.push_back(Event::Disconnect(worker));
        self.switchboard.leaves(worker, voluntary);
        // What it had not answered for it has not read, or it is dead or dying: no worker reads a
        // connection, hangs up and serves it. One that is only stopped keeps its channel, and so
        // its connection.
        self.switchboard.gone(worker);
        self.carry_out();
    }
}

/// What a worker says of a listener that it was granted and could not use.
fn listen_failure(message: &Received) -> Error {
    let address = asked_for(message);
    match message.get("blocking").and_then(Value::as_bool) {
        Some(blocks) => Error::Blocking { address, blocks },
        None => {
            let errno = message.number("errno").and_then(i64::checked_neg);
            let errno = errno.and_then(|errno| i32::try_from(errno).ok());
            let source = std::io::Error::from_raw_os_error(errno.unwrap_or(nix::libc::EINVAL));
            Error::Listen { address, source }
        }
    }
}
