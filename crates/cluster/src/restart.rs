//! When a worker that died is replaced, as plain data with the clock passed in.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::{Primary, WorkerId};

/// Who lives so long after it was online was healthy. supervisord has the same default for the same
/// purpose (`startsecs`).
const HEALTHY: Duration = Duration::from_secs(1);

/// A delay is never longer than a year, and does not overflow the clock.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// A place is forgotten when for twice its longest delay, and for this time, nobody died there
/// young.
const FORGET: Duration = Duration::from_secs(600);

/// When a worker that died is replaced. Node leaves this to the program; most of its `fork()` in an
/// `exit` handler is [`RestartPolicy::at_once`], and becomes a storm when workers die at birth.
///
/// A worker that lived for one second after it was online was **healthy**
/// ([`healthy_after`](RestartPolicy::healthy_after) sets another time). One that died sooner, or
/// was never online, died **young**: its replacement will probably do so, too.
///
/// Each worker has a place, and its replacement takes it over. A policy counts the deaths of each
/// place by itself: a worker that cannot start does not slow down the replacement of the others.
///
/// ```no_run
/// # use std::time::Duration;
/// # use cluster::{Event, Primary, RestartPolicy};
/// # fn run(mut primary: Primary) -> Result<(), cluster::Error> {
/// let mut restart = RestartPolicy::back_off(Duration::from_millis(100), Duration::from_secs(10))
///     .at_most(20, Duration::from_secs(60));
/// while let Some(event) = primary.next_event()? {
///     if let Event::Exit { worker, exit, voluntary: false } = event {
///         println!("{worker} {exit}; {}", restart.after(worker, &mut primary));
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RestartPolicy {
    delay: Delay,
    healthy_after: Duration,
    /// At most so many of those that died young are replaced within this time.
    limit: Option<(usize, Duration)>,
    /// When those died young that were replaced and still count for the limit.
    pub(crate) deaths: VecDeque<Instant>,
    /// The places where the last one died young.
    pub(crate) places: BTreeMap<u32, Row>,
    rng: Rng,
}

#[derive(Clone, Copy, Debug)]
enum Delay {
    Fixed(Duration),
    BackOff { first: Duration, most: Duration },
}

/// Deaths in one place, none of them after a healthy life.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    deaths: u32,
    last: Instant,
}

impl RestartPolicy {
    fn new(delay: Delay) -> RestartPolicy {
        RestartPolicy {
            delay,
            healthy_after: HEALTHY,
            limit: None,
            deaths: VecDeque::new(),
            places: BTreeMap::new(),
            rng: Rng::new(),
        }
    }

    /// Replaces it at once, whatever happens.
    pub fn at_once() -> RestartPolicy {
        RestartPolicy::fixed(Duration::ZERO)
    }

    /// Replaces it after this delay, whatever happens.
    pub fn fixed(delay: Duration) -> RestartPolicy {
        RestartPolicy::new(Delay::Fixed(delay.min(LONGEST)))
    }

    /// Replaces one that was healthy at once. One that died young is replaced after a delay, which
    /// begins at `first` and doubles with each further one of its place that dies young, up to
    /// `most`. A fifth of it, at most, is added by chance, so that workers that died together do
    /// not all come back together. A healthy life takes the place back to `first`.
    ///
    /// With 0.1 s and 10 s, workers that die at birth make 12 forks at most in the first minute, in
    /// each place, with the one that the program began with.
    pub fn back_off(first: Duration, most: Duration) -> RestartPolicy {
        let first = first.min(LONGEST);
        RestartPolicy::new(Delay::BackOff { first, most: most.clamp(first, LONGEST) })
    }

    /// Gives up when too many die young: at most so many of them are replaced within this time, in
    /// all places together. Who was healthy is always replaced, and does not count: workers that
    /// are killed from outside now and then use nothing up.
    pub fn at_most(mut self, restarts: usize, period: Duration) -> RestartPolicy {
        self.limit = Some((restarts, period));
        self
    }

    /// How long a worker has to live after it was online to count as healthy; 1 s if never set.
    /// Where workers take long to find out that they cannot work, choose a longer time.
    pub fn healthy_after(mut self, time: Duration) -> RestartPolicy {
        self.healthy_after = time;
        self
    }

    /// Makes chance repeatable, for tests and lessons.
    pub fn with_seed(mut self, seed: u64) -> RestartPolicy {
        self.rng = Rng::with_seed(seed);
        self
    }

    /// Replaces a worker that died: call it when [`Event::Exit`](crate::Event::Exit) says so. The
    /// replacement gets the settings that the dead worker's fork had of its own, takes over its
    /// place, and comes while [`Primary::next_event`] waits.
    ///
    /// It never fails: a program that cannot replace a worker goes on with the others. While the
    /// primary stops, nothing happens.
    pub fn after(&mut self, worker: WorkerId, primary: &mut Primary) -> Restart {
        if primary.is_stopping() {
            return Restart::Stopping;
        }
        // Whoever asks late for one that was forgotten begins with a place of its own.
        let gone = primary.remembered(worker);
        let (slot, lived) = gone.map_or((worker.get(), None), |gone| (gone.slot, gone.lived));
        match self.decide(slot, lived, Instant::now()) {
            Verdict::Replace { delay } => match primary.fork_after(delay, Some(worker)) {
                Ok(worker) => Restart::In { delay, worker },
                Err(_) => Restart::Stopping, // it has no other reason to refuse
            },
            Verdict::GiveUp { restarts, period } => Restart::GaveUp { restarts, period },
        }
    }

    /// The decision alone, for a worker that died at this moment: in which place, and how long it
    /// had lived after it was online (`None`: it never was).
    pub fn decide(&mut self, slot: u32, lived: Option<Duration>, now: Instant) -> Verdict {
        self.forget(now);
        if lived.is_some_and(|lived| lived >= self.healthy_after) {
            self.places.remove(&slot);
            return match self.delay {
                Delay::Fixed(delay) => Verdict::Replace { delay },
                Delay::BackOff { .. } => Verdict::Replace { delay: Duration::ZERO },
            };
        }
        if let Some((restarts, period)) = self.limit {
            if self.deaths.len() >= restarts {
                return Verdict::GiveUp { restarts, period };
            }
            self.deaths.push_back(now);
        }
        let delay = match self.delay {
            Delay::Fixed(delay) => delay,
            Delay::BackOff { first, most } => self.next_delay(slot, now, first, most),
        };
        Verdict::Replace { delay }
    }

    fn next_delay(&mut self, slot: u32, now: Instant, first: Duration, most: Duration) -> Duration {
        let row = self.places.entry(slot).or_insert(Row { deaths: 0, last: now });
        let doubled = first.saturating_mul(2u32.saturating_pow(row.deaths)).min(most);
        *row = Row { deaths: row.deaths.saturating_add(1), last: now };
        doubled + doubled.mul_f64(self.rng.f64() / 5.0)
    }

    /// What does not count any more takes no memory, however long the program runs and however many
    /// places there were.
    fn forget(&mut self, now: Instant) {
        if let Some((_, period)) = self.limit {
            self.deaths.retain(|&death| now.saturating_duration_since(death) < period);
        }
        if let Delay::BackOff { most, .. } = self.delay {
            let kept = FORGET + most * 2;
            self.places.retain(|_, row| now.saturating_duration_since(row.last) < kept);
        }
    }
}

/// Whether one that died is replaced; see [`RestartPolicy::decide`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is, after this delay.
    Replace {
        /// How long to wait.
        delay: Duration,
    },
    /// Too many died young.
    GiveUp {
        /// So many restarts were allowed.
        restarts: usize,
        /// Within this time.
        period: Duration,
    },
}

/// What [`RestartPolicy::after`] did about a worker that died.
///
/// `{}` shows it in one line; `{:#}` adds a second line that says what to do about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "it may have given up: then nobody takes the dead worker's place"]
#[non_exhaustive]
pub enum Restart {
    /// This worker takes its place, after this delay.
    In {
        /// How long that will take.
        delay: Duration,
        /// The number that the replacement will have.
        worker: WorkerId,
    },
    /// Too many died young, so nobody takes its place. The other workers go on, and who is healthy
    /// is still replaced.
    GaveUp {
        /// So many restarts were allowed.
        restarts: usize,
        /// Within this time.
        period: Duration,
    },
    /// The shutdown has begun: nobody is missed any more.
    Stopping,
}

impl Restart {
    /// What to do about it, in one line.
    pub fn advice(&self) -> &'static str {
        match self {
            Restart::In { .. } => "Go on with next_event(): it starts the replacement.",
            Restart::GaveUp { .. } => {
                "See above why the workers died; replacing them does not help."
            }
            Restart::Stopping => "Go on with next_event(), until all workers are gone.",
        }
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Restart::In { delay: Duration::ZERO, worker } => write!(f, "{worker} comes at once"),
            Restart::In { delay, worker } => {
                write!(f, "{worker} comes in {} ms", delay.as_millis())
            }
            Restart::GaveUp { restarts, period } => {
                write!(f, "gave up after {restarts} restarts within {period:?}")
            }
            Restart::Stopping => write!(f, "nobody comes: the shutdown has begun"),
        }?;
        if f.alternate() { write!(f, "\n{}", self.advice()) } else { Ok(()) }
    }
}
