//! The sieve of Eratosthenes in pieces that fit into a core's own cache.

/// How many odd numbers are sieved at a time, a byte for each: 32 KiB, the
/// first-level cache of most cores. With one large sieve instead, workers would
/// wait for memory, which they share, and not for their core.
const SEGMENT: usize = 32 * 1024;

/// How many of the last primes are kept.
pub(crate) const LAST: usize = 3;

/// How many primes there are from `from` to `to`, and the last few of them.
pub(crate) fn primes(from: u64, to: u64) -> (u64, Vec<u64>) {
    let (mut count, mut last) = (0, Vec::new());
    if from <= 2 && to >= 2 {
        (count, last) = (1, vec![2]);
    }
    let first = from.max(3) | 1; // only odd numbers from here on
    if first > to {
        return (count, last);
    }
    let base = base_primes(to.isqrt());
    let mut next: Vec<u64> = base.iter().map(|&p| start(p, first)).collect();
    let mut composite = vec![0u8; SEGMENT];
    let mut low = first;
    loop {
        let odds = ((to - low) / 2 + 1).min(SEGMENT as u64) as usize;
        let segment = &mut composite[..odds];
        segment.fill(0);
        cross_off(segment, &base, &mut next);
        count += segment.iter().filter(|&&it| it == 0).count() as u64;
        keep_last(&mut last, segment, low);
        match low.checked_add(2 * odds as u64) {
            Some(above) if above <= to => low = above,
            _ => return (count, last),
        }
    }
}

/// Which odd number after `first` is the first multiple of `prime` to cross off.
/// Smaller multiples have a smaller prime in them, too.
fn start(prime: u64, first: u64) -> u64 {
    let multiple =
        (prime * prime).max(first.div_ceil(prime).saturating_mul(prime));
    let distance = multiple.saturating_sub(first);
    // Every other multiple is even, and not in the sieve.
    (if distance.is_multiple_of(2) { distance } else { distance + prime }) / 2
}

/// Crosses off the multiples in this segment. `next` counts from its beginning,
/// and after it from the beginning of the one that follows.
fn cross_off(segment: &mut [u8], base: &[u64], next: &mut [u64]) {
    let odds = segment.len();
    for (&prime, next) in base.iter().zip(next) {
        if *next >= odds as u64 {
            *next -= odds as u64;
            continue;
        }
        let (mut at, step) = (*next as usize, prime as usize);
        while at < odds {
            segment[at] = 1;
            at += step;
        }
        *next = (at - odds) as u64;
    }
}

fn keep_last(last: &mut Vec<u64>, segment: &[u8], low: u64) {
    let found = segment.iter().enumerate().rev().filter(|(_, it)| **it == 0);
    let mut found: Vec<u64> =
        found.map(|(at, _)| low + 2 * at as u64).take(LAST).collect();
    found.reverse();
    last.append(&mut found);
    last.drain(..last.len().saturating_sub(LAST));
}

/// The odd primes up to `limit`, by a sieve of one piece.
fn base_primes(limit: u64) -> Vec<u64> {
    let mut composite = vec![false; limit as usize / 2 + 1];
    let mut primes = Vec::new();
    for number in (3..=limit).step_by(2) {
        if composite[number as usize / 2] {
            continue;
        }
        primes.push(number);
        let multiples = (number * number..=limit).step_by(2 * number as usize);
        multiples.for_each(|multiple| composite[multiple as usize / 2] = true);
    }
    primes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn expected(from: u64, to: u64) -> (u64, Vec<u64>) {
        let sieve = primal::Sieve::new(from.max(to) as usize);
        let primes = sieve.primes_from(from as usize);
        let all: Vec<u64> =
            primes.map(|it| it as u64).take_while(|it| *it <= to).collect();
        (all.len() as u64, all[all.len().saturating_sub(LAST)..].to_vec())
    }

    #[test]
    fn every_small_range_is_right() {
        for from in 0..40 {
            for to in 0..130 {
                assert_eq!(
                    primes(from, to),
                    expected(from, to),
                    "{from} to {to}"
                );
            }
        }
    }

    #[test]
    fn known_counts_are_found() {
        assert_eq!(primes(0, 1_000_000).0, 78_498);
        assert_eq!(primes(0, 10_000_000).0, 664_579);
        assert_eq!(primes(0, 10_000_000).1, [9999971, 9999973, 9999991]);
    }

    #[test]
    fn large_primes_are_found_where_they_are() {
        // The last primes below 10^12.
        let (count, last) = primes(999_999_999_900, 1_000_000_000_000);
        let checked = |n: &u64| primal::is_prime(*n);
        let all: Vec<u64> =
            (999_999_999_900..1_000_000_000_000).filter(checked).collect();
        assert_eq!(count, all.len() as u64);
        assert_eq!(last, all[all.len().saturating_sub(LAST)..]);
    }

    proptest! {
        #[test]
        fn any_range_agrees_with_another_program(from in 0u64..2_000_000, length in 0u64..300_000) {
            prop_assert_eq!(primes(from, from + length), expected(from, from + length));
        }
    }
}
