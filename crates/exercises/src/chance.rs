//! Chance that repeats itself: a judge tries many cases, and tomorrow the same ones.

use fastrand::Rng;

/// A source of numbers.
#[derive(Clone, Debug)]
pub struct Chance(Rng);

impl Chance {
    /// The numbers that belong to this seed.
    pub fn new(seed: u64) -> Chance {
        Chance(Rng::with_seed(seed))
    }

    /// A number below `end`, which must not be 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0.u64(..end)
    }

    /// So many numbers below `end`.
    pub fn numbers(&mut self, count: u64, end: u64) -> Vec<u64> {
        (0..count).map(|_| self.below(end)).collect()
    }
}
