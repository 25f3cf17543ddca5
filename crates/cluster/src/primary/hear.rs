//! What workers say: reads their channels and outputs, and acts on it.

use std::time::Instant;

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
        let Some(channel) = self.channel(worker) else { return };
        let filled = channel.fill().unwrap_or(Filled::Closed);
        self.hear(worker);
        if filled == Filled::Closed {
            self.channel_closed(worker);
        } else {
            self.write_channel(worker);
        }
    }

    fn write_channel(&mut self, worker: WorkerId) {
        let Some(child) = self.workers.get_mut(&worker) else { return };
        let Some(channel) = &mut child.channel else { return };
        // It fails when the worker is gone; the next read says so.
        let _ = channel.flush();
        if child.told_full && channel.outbox().user_bytes() == 0 {
            child.told_full = false;
            self.news.push_back(Event::Drain(worker));
        }
    }

    pub(super) fn channel(&mut self, worker: WorkerId) -> Option<&mut Channel> {
        self.workers.get_mut(&worker)?.channel.as_mut()
    }

    /// Acts on the messages that are here whole.
    fn hear(&mut self, worker: WorkerId) {
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
                Incoming::Cluster(received) => self.obey(worker, &received),
                Incoming::Nack => self.send_again(worker),
                Incoming::Bad(bad) => self.news.push_back(Event::Error(worker, bad.into())),
                // No act of a worker's brings a descriptor; dropping closes it. The rest the channel keeps to itself.
                _ => {}
            }
        }
    }

    /// What a worker says to the cluster layer. What nobody here knows is ignored, as Node does.
    fn obey(&mut self, worker: WorkerId, received: &Received) {
        match received.act() {
            Some("online") => {
                let Some(child) = self.workers.get_mut(&worker) else { return };
                if child.online_at.is_none() {
                    child.online_at = Some(Instant::now());
                    self.news.push_back(Event::Online(worker));
                }
            }
            Some("queryServer") => self.query_server(worker, received),
            Some("listening") => self.told_listening(worker, received),
            Some("close") => self.close_listener(worker, received),
            Some("waiting") => self.note_waiting(worker, received),
            Some("exitedAfterDisconnect") => {
                let seq = self.next_seq();
                let Some(child) = self.workers.get_mut(&worker) else { return };
                child.asked = Some(true);
                if let (Some(channel), Some(ack)) = (&mut child.channel, received.seq()) {
                    channel.push_internal(&Envelope::answer(ack, seq));
                }
            }
            None => self.connection_answered(worker, received),
            Some(_) => {}
        }
    }

    fn send_again(&mut self, worker: WorkerId) {
        let Some(given_up) = self.channel(worker).and_then(|channel| channel.resend_handle())
        else {
            return;
        };
        if given_up.messages() > 0 {
            self.news.push_back(Event::Error(worker, Error::Undelivered(given_up.messages())));
        }
        if let Some(socket) = given_up.handle() {
            self.connection_lost(socket);
        }
    }

    /// The channel is closed: says so, after everything that the worker had written before.
    fn channel_closed(&mut self, worker: WorkerId) {
        for stream in 0..2 {
            self.read_output(worker, stream);
        }
        let Some(child) = self.workers.get_mut(&worker) else { return };
        let Some(channel) = child.channel.take() else { return };
        let voluntary = *child.asked.get_or_insert(false);
        let lost = channel.outbox().undelivered();
        if lost > 0 {
            self.news.push_back(Event::Error(worker, Error::Undelivered(lost)));
        }
        self.news.push_back(Event::Disconnect(worker));
        self.leave_listeners(worker, voluntary);
    }

    /// What a dead worker wrote is still in its socket and pipes. Whoever else may hold the other ends (a
    /// program that the worker started) is not waited for.
    pub(super) fn read_the_rest(&mut self, worker: WorkerId) {
        while let Some(channel) = self.channel(worker) {
            let filled = channel.fill().unwrap_or(Filled::Closed);
            self.hear(worker);
            if filled != Filled::Data {
                break;
            }
        }
        if let Some(child) = self.workers.get_mut(&worker) {
            let outputs = child.outputs.iter_mut().filter_map(Option::take);
            let lines = outputs.flat_map(|output| output.drain());
            self.news.extend(lines.map(|line| Event::Output(worker, line)));
        }
        self.channel_closed(worker);
    }
}
