//! The work: throwing dice. Nothing but integers; only a CPU can do it.

use crate::place::Place;

/// Dice in the pile: they keep one worker busy for about a quarter of a second.
const PILE: u32 = 50_000_000;

/// After so many dice a worker looks which CPU it is on.
const HANDFUL: u32 = 100_000;

/// Each worker's part of the pile.
pub(crate) fn share(workers: usize) -> u32 {
    let workers = u32::try_from(workers).unwrap_or(u32::MAX);
    PILE / workers.max(1)
}

/// Throws dice, counts the sixes, and notes on which CPUs it happens.
pub(crate) fn throw(dice: u32, place: &mut Place) -> nix::Result<u32> {
    let mut left = dice;
    let mut sixes = 0;
    while left > 0 {
        let handful = left.min(HANDFUL);
        sixes += count_sixes(handful, left);
        left -= handful;
        place.look()?;
    }
    Ok(sixes)
}

/// Throws dice with Marsaglia's xorshift: three shifts make the next number.
/// That is the work to be measured, and the same as in Node (dice.mjs).
fn count_sixes(dice: u32, seed: u32) -> u32 {
    let mut number = seed | 1; // zero would stay zero
    let mut sixes = 0;
    let mut thrown = 0;
    while thrown < dice {
        number ^= number << 13;
        number ^= number >> 17;
        number ^= number << 5;
        if number % 6 == 5 {
            sixes += 1;
        }
        thrown += 1;
    }
    sixes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_every_sixth_die_shows_a_six() {
        let sixes = count_sixes(60_000, 1);
        assert!((9_500..10_500).contains(&sixes), "{sixes} sixes");
    }

    #[test]
    fn the_shares_make_up_the_pile() {
        for workers in [1, 2, 3, 16, 64] {
            let thrown = share(workers) * workers as u32;
            assert!(PILE - thrown < workers as u32, "{workers} workers");
        }
    }
}
