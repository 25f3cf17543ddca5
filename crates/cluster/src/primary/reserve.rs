//! Descriptors that are kept free, so that workers can be forked while clients or workers use up
//! the others.

use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Instant;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::rest::REST;

/// How many descriptors are kept free. A fork needs eight at most for a moment: the channel's two
/// ends, a copy of one, two pipes, and the pidfd.
const KEPT_FREE: u64 = 16;

/// Whether the primary is short of descriptors. The limit is asked for each time: somebody else may
/// change it (prlimit(2)).
#[derive(Debug)]
pub(crate) struct Reserve {
    /// No descriptor is taken before that time, but for forks.
    until: Option<Instant>,
    /// How many descriptors this process could have when it began.
    at_first: Option<u64>,
}

impl Default for Reserve {
    fn default() -> Reserve {
        Reserve { until: None, at_first: getrlimit(Resource::Nofile).current }
    }
}

impl Reserve {
    /// Gives a worker the limit that this process had when it began. A primary that is short of
    /// descriptors for a while would pass its shortage on, and the worker would keep it for life.
    pub(crate) fn lift_for(&self, worker: u32) {
        let now = getrlimit(Resource::Nofile);
        let lowered = match (now.current, self.at_first) {
            (Some(now), Some(first)) => now < first,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let pid = worker.try_into().ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| lowered) {
            let lifted = now.maximum.map_or(self.at_first, |most| {
                Some(self.at_first.map_or(most, |first| first.min(most)))
            });
            // It fails for a worker with another uid, unless we are root; then it has what we have.
            let _ = prlimit(Some(pid), Resource::Nofile, Rlimit { current: lifted, ..now });
        }
    }

    /// A new descriptor got this number: the lowest that was free. Says whether the reserve is
    /// touched.
    pub(crate) fn saw(&mut self, number: RawFd) -> bool {
        let number = u64::from(number.unsigned_abs());
        let limit = getrlimit(Resource::Nofile).current;
        let cramped = limit.is_some_and(|limit| number + KEPT_FREE >= limit);
        if cramped {
            self.until = Some(Instant::now() + REST);
        }
        cramped
    }

    /// Whether descriptors are short.
    pub(crate) fn is_short(&self) -> bool {
        self.until.is_some()
    }

    /// When to look again.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.until
    }

    /// Looks again, if it is time: a copy of this descriptor gets the lowest number that is free.
    /// Says whether the shortage is over now.
    pub(crate) fn look_again(&mut self, now: Instant, any: &impl AsFd) -> bool {
        if self.until.is_none_or(|until| until > now) {
            return false;
        }
        self.until = Some(now + REST);
        if let Ok(copy) = rustix::io::fcntl_dupfd_cloexec(any, 0)
            && !Reserve::default().saw(copy.as_raw_fd())
        {
            self.until = None;
        }
        self.until.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sixteen_numbers_below_the_limit_are_kept_free() {
        let limit = i32::try_from(getrlimit(Resource::Nofile).current.unwrap()).unwrap();
        let mut reserve = Reserve::default();
        assert!(!reserve.saw(limit - 17) && !reserve.is_short());
        assert!(reserve.saw(limit - 16) && reserve.is_short());
    }

    #[test]
    fn the_shortage_is_over_when_a_low_number_is_free_and_not_before_it_is_looked_at() {
        let mut reserve = Reserve::default();
        reserve.saw(i32::MAX);
        let now = Instant::now();
        assert!(!reserve.look_again(now, &std::io::stderr()) && reserve.is_short());
        assert!(reserve.look_again(now + 2 * REST, &std::io::stderr()) && !reserve.is_short());
        assert!(!reserve.look_again(now + 4 * REST, &std::io::stderr()), "told once");
    }
}
