//! What a worker does with what arrives on the channel. Nothing here waits.

use std::os::fd::OwnedFd;

use super::state::{Standing, State};
use crate::channel::Filled;
use crate::rest::is_no_room;
use crate::wire::{Envelope, Incoming, Received};
use crate::{Error, Message};

impl State {
    /// Reads once, without waiting, and acts on what came. Whether a message was there.
    pub(super) fn read(&mut self) -> bool {
        if self.standing == Standing::Left {
            return false;
        }
        let filled = self.channel.fill().unwrap_or_else(|errno| {
            if is_no_room(errno) {
                self.rest.begin();
                return Filled::Nothing;
            }
            // The socket is none any more: the program has closed descriptors that are not its own.
            Filled::Closed
        });
        let mut messages = false;
        while let Some(incoming) = self.channel.next() {
            messages |= matches!(incoming, Incoming::User(_) | Incoming::UserWithHandle(..));
            self.hear(incoming);
        }
        self.replies.handles_lost(self.channel.handles_lost());
        if filled == Filled::Closed {
            // Not our doing: the watcher goes on, and ends us if the program does not.
            self.standing = Standing::Left;
        }
        messages
    }

    fn hear(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::User(json) => self.inbox.message(Message::from(json)),
            Incoming::UserWithHandle(json, fd) => {
                self.replies.handle_arrived(self.channel.handles_lost());
                let (message, error) = Message::with_descriptor(json, fd);
                if let Some(error) = error {
                    self.inbox.error(error);
                }
                self.inbox.message(message);
            }
            Incoming::Cluster(received) => self.obey(received, None),
            Incoming::ClusterWithHandle(received, fd) => {
                self.replies.handle_arrived(self.channel.handles_lost());
                self.obey(received, Some(fd));
            }
            Incoming::Nack => {
                let given_up = self.channel.resend_handle();
                given_up.into_iter().for_each(|_| self.inbox.error(Error::Undelivered(1)));
            }
            Incoming::Bad(bad) => self.inbox.error(bad.into()),
            // The channel keeps the rest to itself.
            _ => {}
        }
    }

    /// What the primary says to the cluster layer. What nobody here knows is ignored, as Node does.
    fn obey(&mut self, received: Received, fd: Option<OwnedFd>) {
        match received.act() {
            Some("disconnect") if self.standing.serves() => {
                self.standing = Standing::Asked;
                self.close_listeners();
                self.inbox.disconnect();
            }
            Some("drain") if self.standing == Standing::Connected => {
                self.standing = Standing::Draining;
            }
            Some("newconn") => self.new_connection(&received, fd),
            Some(_) => {}
            None => {
                // A listener that nobody waits for any more: the primary counts this worker in, and
                // should not.
                if let Some((late, _)) = self.replies.answered(received, fd)
                    && let Some(key) = late.text("key")
                    && late.number("errno").unwrap_or_default() == 0
                {
                    self.note(Envelope::on("close", key, 0));
                }
            }
        }
    }
}
