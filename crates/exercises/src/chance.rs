//! Chance that repeats itself: a judge tries many cases, and tomorrow the same ones.

/// A source of numbers. (SplitMix64; Steele, Lea and Flood, 2014.)
#[derive(Clone, Copy, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The numbers that belong to this seed.
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// A number below `end`, which must not be 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    /// So many numbers below `end`.
    pub fn numbers(&mut self, count: u64, end: u64) -> Vec<u64> {
        (0..count).map(|_| self.below(end)).collect()
    }
}
