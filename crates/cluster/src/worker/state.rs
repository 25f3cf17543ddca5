//! What a worker does with what arrives on the channel, and how it answers. No waiting here.

use std::os::fd::OwnedFd;

use super::WorkerEvent;
use super::core::{Standing, State};
use crate::channel::Filled;
use crate::wire::{Envelope, Incoming, Received};
use crate::{Error, Message};

impl State {
    /// Reads once, without waiting, and acts on what came.
    pub(super) fn read(&mut self) -> Result<(), Error> {
        if self.standing == Standing::Left {
            return Ok(());
        }
        let filled = self.channel.fill().map_err(Error::system("read from the channel"))?;
        while let Some(incoming) = self.channel.next() {
            self.hear(incoming);
        }
        if filled == Filled::Closed {
            // Not our doing: the watcher goes on, and ends us if the program does not.
            self.standing = Standing::Left;
        }
        Ok(())
    }

    fn hear(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::User(json) => {
                self.inbox.push_back(WorkerEvent::Message(Message::from(json)));
            }
            Incoming::UserWithHandle(json, fd) => {
                let (message, error) = Message::with_descriptor(json, fd);
                self.inbox.extend(error.map(WorkerEvent::Error));
                self.inbox.push_back(WorkerEvent::Message(message));
            }
            Incoming::Cluster(received) => self.obey(received, None),
            Incoming::ClusterWithHandle(received, fd) => self.obey(received, Some(fd)),
            Incoming::Nack => {
                let given_up = self.channel.resend_handle();
                self.inbox.extend(given_up.map(|_| WorkerEvent::Error(Error::Undelivered(1))));
            }
            Incoming::Bad(bad) => self.inbox.push_back(WorkerEvent::Error(bad.into())),
            // The channel keeps the rest to itself.
            _ => {}
        }
    }

    /// What the primary says to the cluster layer. What nobody here knows is ignored, as Node does.
    fn obey(&mut self, received: Received, fd: Option<OwnedFd>) {
        match received.act() {
            Some("disconnect") if self.standing == Standing::Connected => {
                self.standing = Standing::Asked;
                self.close_listeners();
                self.inbox.push_back(WorkerEvent::Disconnect);
            }
            Some("newconn") => self.new_connection(&received, fd),
            Some(_) => {}
            None => {
                if let Some(reply) = received.ack().and_then(|ack| self.replies.get_mut(&ack)) {
                    *reply = Some((received, fd));
                }
            }
        }
    }

    /// Makes the thread that waits look again at what it waits for.
    pub(super) fn interrupt_reader(&self) {
        if self.somebody_reads {
            // It fails only where the counter is full, and then it is readable.
            let _ = rustix::io::write(&self.interrupt, &1u64.to_ne_bytes());
        }
    }

    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.check_connected()?;
        self.channel.flush().map_err(|_| Error::PrimaryGone)
    }

    pub(super) fn check_connected(&self) -> Result<(), Error> {
        if self.standing == Standing::Left { Err(Error::PrimaryGone) } else { Ok(()) }
    }

    /// Sends a request to the primary's cluster layer; its answer will be in `replies`.
    pub(super) fn request(&mut self, message: Envelope) -> u64 {
        let seq = self.next_seq();
        self.replies.insert(seq, None);
        self.channel.push_internal(&Envelope { seq, ..message });
        seq
    }

    /// Sends a message to the primary's cluster layer.
    pub(super) fn say(&mut self, message: Envelope) {
        self.note(message);
        // It fails when the primary is gone; the next read says so.
        let _ = self.channel.flush();
    }

    /// Sends a message to the primary's cluster layer, with the next one or the next wait.
    pub(super) fn note(&mut self, message: Envelope) {
        let seq = self.next_seq();
        self.channel.push_internal(&Envelope { seq, ..message });
    }

    /// Closes the channel.
    pub(super) fn leave(&mut self) {
        if self.standing != Standing::Left {
            self.standing = Standing::Left;
            self.watcher.leave();
            self.channel.close();
        }
    }

    pub(super) fn next_seq(&mut self) -> u64 {
        let seq = self.seq;
        self.seq += 1;
        seq
    }
}
