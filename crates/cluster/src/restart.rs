//! When a worker that died is replaced, as plain data with the clock passed in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::{Error, Primary, WorkerId};

/// When a worker that died is replaced. Node leaves this to the program; most of its `fork()` in an `exit` handler is
/// [`RestartPolicy::at_once`], and becomes a storm when workers die at birth.
///
/// ```no_run
/// # use std::time::Duration;
/// # use cluster::{Event, Primary, RestartPolicy};
/// # fn run(mut primary: Primary) -> Result<(), cluster::Error> {
/// let mut restart = RestartPolicy::back_off(Duration::from_millis(100), Duration::from_secs(10))
///     .at_most(20, Duration::from_secs(60));
/// while let Some(event) = primary.next_event()? {
///     if let Event::Exit { worker, voluntary: false, .. } = event {
///         restart.after(worker, &mut primary)?;
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RestartPolicy {
    delay: Delay,
    /// At most so many restarts within this time.
    limit: Option<(usize, Duration)>,
    /// When the last restarts were asked for.
    restarts: VecDeque<Instant>,
    /// How many came in quick succession.
    in_a_row: u32,
    random: Random,
}

#[derive(Clone, Copy, Debug)]
enum Delay {
    Fixed(Duration),
    BackOff { first: Duration, most: Duration },
}

impl RestartPolicy {
    fn new(delay: Delay) -> RestartPolicy {
        let seed = u64::from(std::process::id());
        let random = Random(seed);
        RestartPolicy { delay, limit: None, restarts: VecDeque::new(), in_a_row: 0, random }
    }

    /// Replaces it at once, whatever happens.
    pub fn at_once() -> RestartPolicy {
        RestartPolicy::fixed(Duration::ZERO)
    }

    /// Replaces it after this delay.
    pub fn fixed(delay: Duration) -> RestartPolicy {
        RestartPolicy::new(Delay::Fixed(delay))
    }

    /// Replaces it after a delay that begins at `first` and doubles with every death in quick succession, up to `most`. A fifth of
    /// it, at most, is taken off by chance, so that workers that died together do not all come back together. When nobody died for
    /// twice `most` it begins at `first` again.
    pub fn back_off(first: Duration, most: Duration) -> RestartPolicy {
        RestartPolicy::new(Delay::BackOff { first, most: most.max(first) })
    }

    /// At most so many restarts within this time; the next one is [`Error::GaveUp`].
    pub fn at_most(mut self, restarts: usize, period: Duration) -> RestartPolicy {
        self.limit = Some((restarts, period));
        self
    }

    /// Makes chance repeatable, for tests and lessons.
    pub fn with_seed(mut self, seed: u64) -> RestartPolicy {
        self.random = Random(seed);
        self
    }

    /// Replaces a worker that died: call it when [`Event::Exit`](crate::Event::Exit) says so. The replacement gets the settings that the dead
    /// worker's fork had of its own, and comes while [`Primary::next_event`] waits. Returns how long that will take.
    ///
    /// # Errors
    /// [`Error::GaveUp`] when there were too many; [`Error::ShuttingDown`].
    pub fn after(&mut self, worker: WorkerId, primary: &mut Primary) -> Result<Duration, Error> {
        let delay = self.decide(Instant::now())?;
        primary.fork_after(delay, Some(worker))?;
        Ok(delay)
    }

    /// The decision alone, for a worker that died at this moment: how long to wait.
    ///
    /// # Errors
    /// [`Error::GaveUp`] when there were too many.
    pub fn decide(&mut self, now: Instant) -> Result<Duration, Error> {
        if let Some((most, period)) = self.limit {
            let recent = |at: &Instant| now.saturating_duration_since(*at) < period;
            self.restarts.retain(recent);
            if self.restarts.len() >= most {
                return Err(Error::GaveUp { restarts: most, period });
            }
        }
        let delay = match self.delay {
            Delay::Fixed(delay) => delay,
            Delay::BackOff { first, most } => self.next_delay(now, first, most),
        };
        self.restarts.push_back(now);
        if self.limit.is_none() {
            self.restarts.drain(..self.restarts.len() - 1); // the last one is all that is looked at
        }
        Ok(delay)
    }

    fn next_delay(&mut self, now: Instant, first: Duration, most: Duration) -> Duration {
        let quiet = |last: &Instant| now.saturating_duration_since(*last) > most * 2;
        self.in_a_row = match self.restarts.back() {
            Some(last) if !quiet(last) => self.in_a_row.saturating_add(1),
            _ => 0,
        };
        let doubled = first.saturating_mul(2u32.saturating_pow(self.in_a_row)).min(most);
        doubled.mul_f64(1.0 - self.random.next() / 5.0)
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): enough chance to keep workers apart.
#[derive(Clone, Copy, Debug)]
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from((mixed >> 40) as u32) / f64::from(1u32 << 24)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_delay_doubles_up_to_the_most_and_loses_a_fifth_at_most() {
        let mut policy = RestartPolicy::back_off(100 * MS, 1000 * MS).with_seed(1);
        let now = Instant::now();
        for expected in [100, 200, 400, 800, 1000, 1000] {
            let delay = policy.decide(now).unwrap();
            assert!(delay <= expected * MS && delay >= expected * MS * 4 / 5, "{delay:?}");
        }
    }

    #[test]
    fn after_a_quiet_time_the_delay_begins_again() {
        let mut policy = RestartPolicy::back_off(100 * MS, 1000 * MS);
        let now = Instant::now();
        (0..5).for_each(|_| drop(policy.decide(now)));
        assert!(policy.decide(now + 1900 * MS).unwrap() >= 800 * MS, "not quiet for long enough");
        assert!(policy.decide(now + 4000 * MS).unwrap() <= 100 * MS);
    }

    #[test]
    fn too_many_restarts_in_a_period_are_given_up_and_later_ones_are_not() {
        let mut policy = RestartPolicy::at_once().at_most(3, 1000 * MS);
        let now = Instant::now();
        for at in [0, 100, 200] {
            assert_eq!(policy.decide(now + at * MS).unwrap(), Duration::ZERO);
        }
        assert!(matches!(policy.decide(now + 300 * MS), Err(Error::GaveUp { restarts: 3, .. })));
        assert_eq!(
            policy.decide(now + 1050 * MS).unwrap(),
            Duration::ZERO,
            "the first one is long ago"
        );
        assert!(policy.decide(now + 1060 * MS).is_err());
    }

    #[test]
    fn a_long_life_of_deaths_neither_overflows_nor_keeps_memory() {
        let mut policy = RestartPolicy::back_off(MS, Duration::from_secs(1));
        let now = Instant::now();
        for _ in 0..10_000 {
            assert!(policy.decide(now).unwrap() <= Duration::from_secs(1));
        }
        assert_eq!(policy.restarts.len(), 1);
    }
}
