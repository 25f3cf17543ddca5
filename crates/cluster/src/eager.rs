//! Waiting awake, for a moment, where an answer is about to come.
//!
//! In a conversation (a message, its answer, the next message) most of the time goes into falling asleep and being
//! woken up: more than half of a round trip, and far more where an idle CPU of a virtual machine has to be woken first. A side whose last
//! wait ended quickly, and with a message, stays awake for a moment the next time. All other waits sleep at once.
//!
//! That helps nobody while others want this CPU, the one who shall answer perhaps among them. Whoever finds that sleeps, and tries
//! again after a while, each time after a longer one.

use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, Timespec, poll};

/// How long to stay awake; also what counts as quick.
const MOMENT: Duration = Duration::from_micros(50);

/// sched_yield(2) comes back sooner than this, unless somebody else ran meanwhile.
const ALONE: Duration = Duration::from_micros(2);

/// For how many waits to sleep where the CPU was crowded: at first, and at most.
const REST: (u32, u32) = (16, 4096);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Eager {
    /// With one CPU the other side cannot answer while we are awake.
    possible: bool,
    awake: bool,
    /// How long the last wait took, and whether somebody else ran on this CPU while it was awake.
    waited: Duration,
    crowded: bool,
    /// For how many more waits to sleep, and for how many the next time.
    rest: u32,
    next_rest: u32,
}

impl Eager {
    pub(crate) fn new() -> Eager {
        Eager {
            possible: crate::available_parallelism() > 1,
            awake: false,
            waited: Duration::MAX,
            crowded: false,
            rest: 0,
            next_rest: REST.0,
        }
    }

    /// poll(2), awake for a moment at first if that promises something.
    pub(crate) fn poll(
        &mut self,
        fds: &mut [PollFd<'_>],
        timeout: Option<&Timespec>,
    ) -> rustix::io::Result<usize> {
        let start = Instant::now();
        self.crowded = false;
        let mut ready = 0;
        if self.awake {
            ready = self.poll_awake(start, fds)?;
        }
        if ready == 0 {
            ready = poll(fds, timeout)?;
        }
        self.waited = start.elapsed();
        Ok(ready)
    }

    fn poll_awake(&mut self, start: Instant, fds: &mut [PollFd<'_>]) -> rustix::io::Result<usize> {
        let mut now = start;
        while now - start < MOMENT {
            let ready = poll(fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
            if ready > 0 {
                return Ok(ready);
            }
            let before = Instant::now();
            thread::yield_now(); // whoever else wants this CPU goes first
            now = Instant::now();
            self.crowded = now - before > ALONE;
        }
        Ok(0)
    }

    /// Takes note of what the last wait brought: a message or something else.
    pub(crate) fn learn(&mut self, message: bool) {
        if self.crowded {
            self.rest = self.next_rest;
            self.next_rest = (self.next_rest * 2).min(REST.1);
        } else if self.awake {
            self.next_rest = REST.0;
        } else {
            self.rest = self.rest.saturating_sub(1);
        }
        let promising = message && self.waited < MOMENT;
        self.awake = self.possible && promising && self.rest == 0;
    }
}
