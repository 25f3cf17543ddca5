//! Waking the primary's loop from another thread.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::Error;

/// Wakes the primary that waits in [`next_event`](crate::Primary::next_event), from any thread. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Waker(Arc<EventFd>);

impl Waker {
    pub(crate) fn new() -> Result<Waker, Error> {
        EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map(|eventfd| Waker(Arc::new(eventfd)))
            .map_err(|errno| Error::System { what: "open an eventfd", source: errno.into() })
    }

    /// Wakes it: it is told [`Event::Woken`](crate::Event::Woken), once for any number of calls that it has not seen yet.
    pub fn wake(&self) {
        // It fails only when the counter is full, and then the primary is about to wake anyway.
        let _ = self.0.write(1);
    }

    /// Whether somebody called since the last look.
    pub(crate) fn take(&self) -> bool {
        self.0.read().is_ok()
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
