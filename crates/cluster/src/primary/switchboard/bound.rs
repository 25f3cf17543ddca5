//! A bound socket, and what the kernel can be asked and told about it.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::AddressFamily;

use crate::{Address, bind};

/// How many connections are counted that nobody serves any more.
const MOST_COUNTED: usize = 8192;

/// A bound socket. Dropping it closes it, and removes the file of a Unix path.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) socket: Arc<OwnedFd>,
    pub(super) address: Address,
}

impl Bound {
    pub(super) fn new(socket: OwnedFd, address: Address) -> Bound {
        Bound { socket: Arc::new(socket), address }
    }

    /// Whether somebody else, who started this process, holds the same socket: what is done to it
    /// is done to them.
    pub(super) fn is_inherited(&self) -> bool {
        matches!(self.address, Address::PrimaryFd(_) | Address::PrimaryUdpFd(_))
    }

    pub(super) fn is_unix(&self) -> bool {
        rustix::net::sockopt::socket_domain(&self.socket) == Ok(AddressFamily::UNIX)
    }

    /// From now on nobody can connect, and who waits in accept(2) is woken with EINVAL. On TCP
    /// those that wait to be accepted are reset; on a Unix socket they stay.
    pub(super) fn refuse_newcomers(&self) {
        if !self.is_inherited() {
            // It fails where nobody listens yet, and then there is nothing to refuse.
            let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Read);
        }
    }

    /// Whether closing it costs those that wait there: not where somebody else goes on with the
    /// same socket, nor where datagrams come.
    pub(super) fn must_be_drained(&self) -> bool {
        !self.is_inherited() && !matches!(self.address, Address::Udp(_))
    }

    /// The kernel lets nobody in beyond those that wait already; see listen(2). Newcomers try again
    /// for a while, or until it is closed.
    pub(super) fn let_nobody_in(&self) {
        // It fails for no socket that listens.
        let _ = rustix::net::listen(&self.socket, 0);
    }

    /// How many connections wait in the kernel. They are taken from it, and closed.
    pub(super) fn count(&self) -> usize {
        let taken = |_: &usize| self.has_arrivals() && bind::accept(&self.socket).is_ok();
        (0..MOST_COUNTED).take_while(taken).count()
    }

    /// Whether a connection waits in the kernel.
    pub(super) fn has_arrivals(&self) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::IN)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        // A socket that is shut down for reading and empty says HUP as well.
        matches!(poll(&mut fds, Some(&at_once)), Ok(1..))
            && !fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Address::Unix(path) = &self.address {
            bind::unlink(path);
        }
    }
}
