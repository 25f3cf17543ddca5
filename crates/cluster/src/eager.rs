//! Waiting awake, for a moment, where an answer is about to come.
//!
//! In a conversation (a message, its answer, the next message) most of the time goes into falling
//! asleep and being woken up: more than half of a round trip, and far more where an idle CPU of a
//! virtual machine has to be woken first. It is the same for a primary that hands out connections
//! one after the other. A side whose last wait brought news, and quickly, may stay awake for a
//! moment the next time. All other waits sleep at once.
//!
//! That helps nobody while others want this CPU, the one who shall answer perhaps among them. So
//! both ways are timed, the shorter one is taken, and the other one tried again now and then:
//! nobody tells us when the machine gets busy, or who runs where.

use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, Timespec, poll};

/// How long to stay awake; also what counts as quick.
const MOMENT: Duration = Duration::from_micros(50);

/// How many waits go the shorter way before the other one is tried again: at first, and at most.
const TRUST: (u32, u32) = (16, 4096);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Asleep,
    Awake,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Eager {
    /// With one CPU the other side cannot answer while we are awake.
    possible: bool,
    /// How to wait the next time, and how long the last wait took.
    way: Way,
    waited: Duration,
    /// How long a wait for news takes on average, each way. None yet: try it.
    asleep: Duration,
    awake: Duration,
    shorter: Way,
    /// How many more waits go the shorter way, and how many will after the next trial.
    left: u32,
    trust: u32,
}

impl Eager {
    pub(crate) fn new() -> Eager {
        Eager {
            possible: crate::available_parallelism() > 1,
            way: Way::Asleep,
            waited: Duration::MAX,
            asleep: Duration::ZERO,
            awake: Duration::ZERO,
            shorter: Way::Asleep,
            left: TRUST.0,
            trust: TRUST.0,
        }
    }

    /// poll(2), awake for a moment at first if that promises something.
    pub(crate) fn poll(
        &mut self,
        fds: &mut [PollFd<'_>],
        timeout: Option<&Timespec>,
    ) -> rustix::io::Result<usize> {
        let start = Instant::now();
        let mut ready = 0;
        while ready == 0 && self.way == Way::Awake && start.elapsed() < MOMENT {
            ready = poll(fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
            if ready == 0 {
                thread::yield_now(); // whoever else wants this CPU goes first
            }
        }
        if ready == 0 {
            ready = poll(fds, timeout)?;
        }
        self.waited = start.elapsed();
        Ok(ready)
    }

    /// Takes note of whether the last wait brought news that promise more, and chooses how to wait
    /// the next time.
    pub(crate) fn learn(&mut self, news: bool) {
        if news {
            self.count();
        }
        let promising = self.possible && news && self.waited < MOMENT;
        self.way = if promising { self.choose() } else { Way::Asleep };
    }

    /// The last wait, in the average of its way. A long one says that the other side was busy, not
    /// how long waking up takes.
    fn count(&mut self) {
        let waited = self.waited.min(MOMENT);
        let (average, other) = match self.way {
            Way::Asleep => (&mut self.asleep, self.awake),
            Way::Awake => (&mut self.awake, self.asleep),
        };
        if self.way == self.shorter {
            *average = (*average * 7 + waited) / 8;
        } else {
            *average = (*average + waited) / 2; // there are few of these
            if waited < other {
                (self.left, self.trust) = (0, TRUST.0); // a surprise: once more
            }
        }
    }

    fn choose(&mut self) -> Way {
        let (shorter, longer) = match self.awake < self.asleep {
            true => (Way::Awake, Way::Asleep),
            false => (Way::Asleep, Way::Awake),
        };
        if shorter != self.shorter {
            (self.shorter, self.left, self.trust) = (shorter, TRUST.0, TRUST.0);
        }
        if self.left > 0 {
            self.left -= 1;
            return shorter;
        }
        self.trust = (self.trust * 2).min(TRUST.1);
        self.left = self.trust;
        longer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many waits for news are awake, when they take this long.
    fn awake(eager: &mut Eager, waits: usize, asleep: u64, awake: u64) -> usize {
        let mut count = 0;
        for _ in 0..waits {
            let took = if eager.way == Way::Awake { awake } else { asleep };
            count += usize::from(eager.way == Way::Awake);
            eager.waited = Duration::from_micros(took);
            eager.learn(true);
        }
        count
    }

    fn eager() -> Eager {
        Eager { possible: true, ..Eager::new() }
    }

    #[test]
    fn the_shorter_way_is_taken_and_the_other_one_tried_ever_more_rarely() {
        assert!(awake(&mut eager(), 10_000, 20, 4) > 9_900);
        let crowded = &mut eager();
        assert!(awake(crowded, 1_000, 5, 8) < 30);
        assert!(awake(crowded, 9_000, 5, 8) < 10);
    }

    #[test]
    fn a_machine_that_changes_is_noticed() {
        let eager = &mut eager();
        awake(eager, 100_000, 5, 8);
        assert!(awake(eager, 100_000, 20, 4) > 80_000);
        assert!(awake(eager, 100_000, 5, 8) < 20_000);
    }

    #[test]
    fn who_does_not_talk_sleeps() {
        let eager = &mut eager();
        awake(eager, 10, 20, 4);
        assert_eq!(eager.way, Way::Awake);
        eager.learn(false);
        assert_eq!(eager.way, Way::Asleep);
        assert_eq!(awake(eager, 100, 1_000, 4), 0, "the answers take long");
    }

    #[test]
    fn with_one_cpu_all_sleep() {
        let mut alone = Eager { possible: false, ..Eager::new() };
        assert_eq!(awake(&mut alone, 100, 20, 4), 0);
    }
}
