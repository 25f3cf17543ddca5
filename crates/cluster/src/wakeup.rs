//! Making a wait in poll(2) return from elsewhere: eventfd(2).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};

use crate::Error;

/// Readable from the first call of [`wake`](Wakeup::wake) until somebody [`take`](Wakeup::take)s
/// it.
#[derive(Debug)]
pub(crate) struct Wakeup(OwnedFd);

impl Wakeup {
    pub(crate) fn new() -> Result<Wakeup, Error> {
        eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map(Wakeup)
            .map_err(Error::system("open an eventfd"))
    }

    pub(crate) fn wake(&self) {
        // It fails only where the counter is full, and then it is readable.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Whether somebody called since the last look.
    pub(crate) fn take(&self) -> bool {
        rustix::io::read(&self.0, &mut [0; 8]).is_ok()
    }
}

impl AsFd for Wakeup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_calls_is_seen_once() {
        let wakeup = Wakeup::new().unwrap();
        assert!(!wakeup.take());
        (0..3).for_each(|_| wakeup.wake());
        assert!(wakeup.take() && !wakeup.take());
    }
}
