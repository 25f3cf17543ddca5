//! A worker's UDP socket: the same port as its siblings'.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use rustix::net::{SendFlags, sendto};

use super::core::Core;
use super::listeners::ListenerId;
use super::waiting::Waiting;
use crate::{Address, Error};

/// A UDP socket that all workers share; Node's `dgram.Socket` in a worker. Each datagram goes to
/// one of the workers that wait, as the kernel chooses. Dropping it closes it.
#[derive(Debug)]
pub struct Datagrams {
    core: Arc<Core>,
    id: ListenerId,
    address: Address,
    socket: Arc<OwnedFd>,
}

impl Datagrams {
    pub(super) fn new(core: Arc<Core>, id: ListenerId, address: Address) -> Result<Self, Error> {
        let mut state = core.lock();
        let Some(socket) = state.listeners.get(id).and_then(|it| it.shared()).cloned() else {
            state.close_listener(id);
            return Err(Error::NotShared(address.to_string()));
        };
        drop(state);
        Ok(Datagrams { core, id, address, socket })
    }

    /// Where it is bound; with port 0 the port is the one that the system chose.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Waits for a datagram: its length, and who sent it. What does not fit into the buffer is
    /// lost, as in recvfrom(2). `None`: the primary asked this worker to leave, or is gone.
    ///
    /// # Errors
    /// None at present: where the system has no memory just now, it rests and goes on.
    pub fn recv_from(&self, buffer: &mut [u8]) -> Result<Option<(usize, SocketAddr)>, Error> {
        self.recv_until(buffer, None)
    }

    /// Waits for a datagram, but no longer than until the deadline; `None` then, too.
    ///
    /// # Errors
    /// As [`recv_from`](Datagrams::recv_from).
    pub fn recv_from_before(
        &self,
        buffer: &mut [u8],
        deadline: Instant,
    ) -> Result<Option<(usize, SocketAddr)>, Error> {
        self.recv_until(buffer, Some(deadline))
    }

    fn recv_until(
        &self,
        buffer: &mut [u8],
        deadline: Option<Instant>,
    ) -> Result<Option<(usize, SocketAddr)>, Error> {
        let _waiting = Waiting::begin(&self.core, self.id);
        let found =
            self.core.wait_for(deadline, |state| Ok(state.take_datagram(self.id, &mut *buffer)))?;
        Ok(found.flatten())
    }

    /// Sends a datagram, as sendto(2).
    ///
    /// # Errors
    /// The system's, `WouldBlock` among them: the socket may be in non-blocking mode.
    pub fn send_to(&self, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
        Ok(sendto(&*self.socket, bytes, SendFlags::NOSIGNAL, &to)?)
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.core.lock().close_listener(self.id);
    }
}
