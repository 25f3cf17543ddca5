//! Waiting awake, for a moment, where an answer is about to come.
//!
//! In a conversation (a message, its answer, the next message) most of the time goes into falling asleep and being
//! woken up: more than half of a round trip, and far more where an idle CPU of a virtual machine has to be woken first. A side whose last
//! wait ended quickly, and with a message, stays awake for a moment the next time. All other waits sleep at once.

use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, Timespec, poll};

/// How long to stay awake; also what counts as quick.
const MOMENT: Duration = Duration::from_micros(50);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Eager {
    /// With one CPU the other side cannot answer while we are awake.
    possible: bool,
    awake: bool,
}

impl Eager {
    pub(crate) fn new() -> Eager {
        Eager { possible: crate::available_parallelism() > 1, awake: false }
    }

    /// poll(2), awake for a moment at first if that promises something.
    pub(crate) fn poll(
        self,
        fds: &mut [PollFd<'_>],
        timeout: Option<&Timespec>,
    ) -> rustix::io::Result<usize> {
        if self.awake {
            let start = Instant::now();
            while start.elapsed() < MOMENT {
                let ready = poll(fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
                if ready > 0 {
                    return Ok(ready);
                }
                thread::yield_now(); // whoever else wants this CPU goes first
            }
        }
        poll(fds, timeout)
    }

    /// Takes note of how a wait went: how long it took, and whether it brought a message.
    pub(crate) fn learn(&mut self, waited: Duration, message: bool) {
        self.awake = self.possible && message && waited < MOMENT;
    }
}
