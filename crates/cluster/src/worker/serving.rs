//! Connections and datagrams for the program, from all of a worker's listeners.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SocketFlags, accept_with, recvfrom};

use super::listeners::ListenerId;
use super::listening::Source;
use super::state::{Standing, State};
use crate::Error;
use crate::wire::{Envelope, Received};

impl State {
    /// A datagram for the program, in this buffer. `Some(None)`: there will be none any more.
    pub(super) fn take_datagram(
        &mut self,
        id: ListenerId,
        buffer: &mut [u8],
    ) -> Result<Option<Option<(usize, SocketAddr)>>, Error> {
        let listening = self.listeners.get(id).filter(|_| self.standing == Standing::Connected);
        let Some(socket) = listening.and_then(|listening| listening.shared()) else {
            return Ok(Some(None));
        };
        match recvfrom(&**socket, buffer, RecvFlags::DONTWAIT) {
            Ok((count, _, from)) => {
                let from = from.and_then(|from| SocketAddr::try_from(from).ok());
                Ok(from.map(|from| Some((count, from))))
            }
            // Another worker was faster, or an earlier datagram of ours found nobody: udp(7), ECONNREFUSED.
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNREFUSED) => Ok(None),
            Err(errno) => Err(Error::system("receive a datagram")(errno)),
        }
    }

    /// The primary hands over a connection. One that nobody wants goes back at once, and to another worker.
    pub(super) fn new_connection(&mut self, message: &Received, fd: Option<OwnedFd>) {
        let (Some(seq), Some(fd)) = (message.seq(), fd) else { return };
        let listening = message.text("key").and_then(|key| self.listeners.called(key));
        if !listening.is_some_and(|listening| listening.keep(seq, fd)) {
            self.say(answer(seq, false));
        }
    }

    /// A connection for the program. `Some(None)`: there will be none any more.
    pub(super) fn take_connection(
        &mut self,
        id: ListenerId,
    ) -> Result<Option<Option<OwnedFd>>, Error> {
        if self.standing != Standing::Connected {
            return Ok(Some(None));
        }
        let Some(listening) = self.listeners.get_mut(id) else { return Ok(Some(None)) };
        match &mut listening.source {
            Source::Primary(handed_over) => {
                let Some((seq, connection)) = handed_over.take() else {
                    self.tell_waiting(id);
                    return Ok(None);
                };
                if handed_over.as_node() {
                    // Node sends them in non-blocking mode, which the standard library does not expect.
                    rustix::io::ioctl_fionbio(&connection, false)
                        .map_err(Error::system("make a connection blocking"))?;
                }
                self.say(answer(seq, true));
                Ok(Some(Some(connection)))
            }
            Source::Taken => Ok(Some(None)),
            Source::Shared(socket) => match accept_with(&**socket, SocketFlags::CLOEXEC) {
                Ok(connection) => Ok(Some(Some(connection))),
                // Another worker was faster, or the client is gone again: accept(2).
                Err(
                    Errno::AGAIN | Errno::INTR | Errno::CONNABORTED | Errno::PROTO | Errno::PERM,
                ) => Ok(None),
                Err(errno) => Err(Error::system("accept a connection")(errno)),
            },
        }
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

    fn tell_waiting(&mut self, id: ListenerId) {
        if let Some(news) = self.listeners.get_mut(id).and_then(|listening| listening.waits()) {
            self.say(news);
        }
    }

    /// Closes a listener on purpose: the primary learns of it with the next write, and what was not taken goes to other workers.
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
