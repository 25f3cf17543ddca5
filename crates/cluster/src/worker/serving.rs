//! Connections and datagrams for the program, from all of a worker's listeners. Nothing here waits.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use super::listeners::ListenerId;
use super::listening::{Listening, Source};
use super::shared::{self, Got};
use super::state::State;
use crate::wire::{Envelope, Received};

impl State {
    /// A datagram for the program, in this buffer. `Some(None)`: there will be none any more.
    pub(super) fn take_datagram(
        &mut self,
        id: ListenerId,
        buffer: &mut [u8],
    ) -> Option<Option<(usize, SocketAddr)>> {
        let listening = self.listeners.get_mut(id).filter(|_| self.standing.serves());
        let Some((listening, socket)) =
            listening.and_then(|it| it.shared().cloned().map(|socket| (it, socket)))
        else {
            return Some(None);
        };
        if listening.rest.until().is_some() {
            return None;
        }
        match shared::receive(&*socket, buffer) {
            Got::One((count, from)) => from.map(|from| Some((count, from))),
            Got::Nothing => None,
            Got::Later => {
                listening.rest.begin();
                None
            }
        }
    }

    /// The primary hands over a connection. One that nobody wants goes back at once, and to another
    /// worker.
    pub(super) fn new_connection(&mut self, message: &Received, fd: Option<OwnedFd>) {
        let (Some(seq), Some(fd)) = (message.seq(), fd) else { return };
        let listening = message.text("key").and_then(|key| self.listeners.called(key));
        if !listening.is_some_and(|listening| listening.keep(seq, fd)) {
            self.say(answer(seq, false));
        }
    }

    /// A connection for the program. `Some(None)`: there will be none any more.
    pub(super) fn take_connection(&mut self, id: ListenerId) -> Option<Option<OwnedFd>> {
        let listening = self.listeners.get_mut(id).filter(|_| self.standing.serves());
        let Some(listening) = listening else { return Some(None) };
        match &listening.source {
            Source::Primary(_) => self.take_handed_over(id).map(Some),
            Source::Taken => Some(None),
            Source::Shared(_) if listening.rest.until().is_some() => None,
            Source::Shared(socket) => match shared::accept(&**socket) {
                Got::One(connection) => Some(Some(connection)),
                Got::Nothing => None,
                Got::Later => {
                    listening.rest.begin();
                    None
                }
            },
        }
    }

    /// Takes a connection that the primary has handed over, and answers; or tells that it may hand
    /// over one.
    fn take_handed_over(&mut self, id: ListenerId) -> Option<OwnedFd> {
        while let Some(handed_over) = self.listeners.get_mut(id).and_then(Listening::handed_over) {
            let as_node = handed_over.as_node();
            let Some((seq, connection)) = handed_over.take() else { break };
            // Node sends them in non-blocking mode, which the standard library does not expect.
            let usable = !as_node || rustix::io::ioctl_fionbio(&connection, false).is_ok();
            self.say(answer(seq, usable));
            if usable {
                return Some(connection);
            }
        }
        self.tell_waiting(id);
        None
    }

    pub(super) fn begin_to_wait(&mut self, id: ListenerId) {
        if let Some(listening) = self.listeners.get_mut(id) {
            listening.waiting += 1;
            if listening.shared().is_some() {
                self.interrupt_reader(); // it does not watch this socket yet
            }
        }
    }

    pub(super) fn end_waiting(&mut self, id: ListenerId) {
        if let Some(listening) = self.listeners.get_mut(id) {
            listening.waiting -= 1;
        }
        self.tell_waiting(id);
    }

    /// Tells the primary who waits, if that has changed. A primary that does not read would find
    /// all of it: the last one is enough, and comes when it has read.
    fn tell_waiting(&mut self, id: ListenerId) {
        if self.owes_much() {
            return;
        }
        if let Some(news) = self.listeners.get_mut(id).and_then(|listening| listening.waits()) {
            self.say(news);
        }
    }

    /// Closes a listener on purpose: the primary learns of it with the next write, and what was not
    /// taken goes to other workers.
    pub(super) fn close_listener(&mut self, id: ListenerId) {
        let Some(listening) = self.listeners.remove(id) else { return };
        if let Some(key) = &listening.key {
            self.note(Envelope::on("close", key, 0));
        }
        for seq in listening.untaken() {
            self.note(answer(seq, false));
        }
    }

    pub(super) fn close_listeners(&mut self) {
        self.listeners.ids().into_iter().for_each(|id| self.close_listener(id));
    }
}

fn answer(seq: u64, accepted: bool) -> Envelope {
    Envelope { accepted: Some(accepted), ..Envelope::answer(seq, 0) }
}
