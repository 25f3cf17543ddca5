//! Waking the primary's loop from another thread.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use crate::Error;
use crate::wakeup::Wakeup;

/// Wakes the primary that waits in [`next_event`](crate::Primary::next_event), from any thread.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Wakeup>);

impl Waker {
    pub(crate) fn new() -> Result<Waker, Error> {
        Wakeup::new().map(|wakeup| Waker(Arc::new(wakeup)))
    }

    /// Wakes it: it is told [`Event::Woken`](crate::Event::Woken), once for any number of calls
    /// that it has not seen yet.
    pub fn wake(&self) {
        self.0.wake();
    }

    /// Whether somebody called since the last look.
    pub(crate) fn take(&self) -> bool {
        self.0.take()
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
