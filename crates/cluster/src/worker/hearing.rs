//! What a worker does with what arrives on the channel. Nothing here waits.

use std::os::fd::OwnedFd;

use super::event::WorkerEvent;
use super::state::{Standing, State};
use crate::channel::Filled;
use crate::wire::{Incoming, Received};
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
            Incoming::User(value) => {
                self.inbox.push_back(WorkerEvent::Message(Message::from(value)));
            }
            Incoming::UserWithHandle(value, fd) => {
                let (message, error) = Message::with_descriptor(value, fd);
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
}
