//! The work itself: what a worker computes for one part. No process in sight.

use std::hint::black_box;

use num_bigint::BigUint;
use serde::{Deserialize, Serialize};

use crate::sieve;

/// One part of a task, small enough for a message.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Work {
    /// The product of these numbers.
    Product(u64, u64),
    /// The sum of these numbers, which may be of any size.
    Sum(Hex, Hex),
    /// How many of these numbers are primes, and the last of them.
    Primes(u64, u64),
    /// The Fibonacci number with this index.
    Fibonacci(u64),
}

/// What came of a part, or of a whole task.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    pub number: BigUint,
    /// Only for primes: the last few.
    pub last: Vec<u64>,
}

/// Computes a part.
pub(crate) fn compute(work: &Work) -> Answer {
    let number = match work {
        Work::Product(from, to) => product(*from, *to),
        Work::Sum(Hex(from), Hex(to)) => sum(from, to),
        Work::Fibonacci(index) => fibonacci(*index),
        Work::Primes(from, to) => {
            let (count, last) = sieve::primes(*from, *to);
            return Answer { number: count.into(), last };
        }
    };
    Answer { number, last: Vec::new() }
}

/// A number of any size, and how it travels: as a text. JSON itself knows no
/// limit, but most of its readers round what is larger than 2^53.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Hex(pub BigUint);

impl From<Hex> for String {
    fn from(Hex(number): Hex) -> String {
        number.to_str_radix(16)
    }
}

impl TryFrom<String> for Hex {
    type Error = &'static str;

    fn try_from(digits: String) -> Result<Hex, &'static str> {
        let number = BigUint::parse_bytes(digits.as_bytes(), 16);
        number.map(Hex).ok_or("not a number in hex")
    }
}

/// A product tree: multiplying numbers of equal length is what costs least.
fn product(from: u64, to: u64) -> BigUint {
    if to.saturating_sub(from) < 32 {
        return (from..=to).fold(1u8.into(), |product, n| product * n);
    }
    let middle = from + (to - from) / 2;
    product(from, middle) * product(middle + 1, to)
}

/// A product tree again, over numbers that are there already.
pub(crate) fn product_of(numbers: &[BigUint]) -> BigUint {
    match numbers {
        [] => 1u8.into(),
        [number] => number.clone(),
        _ => {
            let (left, right) = numbers.split_at(numbers.len() / 2);
            product_of(left) * product_of(right)
        }
    }
}

/// Up to so many numbers are added one by one.
const ONE_BY_ONE: u64 = 100_000_000;

/// Adds one by one as long as that takes a tenth of a second. A longer part
/// would only make you wait for what Gauss knew: it is the number of numbers
/// times their mean.
fn sum(from: &BigUint, to: &BigUint) -> BigUint {
    if let (Ok(from), Ok(to)) = (u64::try_from(from), u64::try_from(to))
        && to.saturating_sub(from) < ONE_BY_ONE
    {
        // The compiler knows Gauss's formula, too. Only a number that it
        // cannot see through makes it add.
        let add = |sum, n| sum + u128::from(black_box(n));
        return (from..=to).fold(0u128, add).into();
    }
    (from + to) * (to - from + 1u8) / 2u8
}

/// Doubling: from F(k) and F(k+1) to F(2k) and F(2k+1), one bit at a time.
/// Every step needs the one before, so there is nothing to share out.
fn fibonacci(index: u64) -> BigUint {
    let (mut now, mut next) = (BigUint::ZERO, BigUint::from(1u8));
    for bit in (0..u64::BITS - index.leading_zeros()).rev() {
        let doubled = &now * ((&next << 1) - &now);
        let after = &now * &now + &next * &next;
        (now, next) = match index >> bit & 1 {
            0 => (doubled, after),
            _ => (after.clone(), doubled + after),
        };
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive_fibonacci(index: u64) -> BigUint {
        let step = |(a, b): (BigUint, BigUint), _| (b.clone(), a + b);
        (0..index).fold((0u8.into(), 1u8.into()), step).0
    }

    #[test]
    fn small_products_are_what_they_should_be() {
        assert_eq!(product(1, 1), 1u8.into());
        assert_eq!(product(1, 20), 2_432_902_008_176_640_000u64.into());
        assert_eq!(product(7, 9), 504u32.into());
        assert_eq!(product_of(&[]), 1u8.into());
    }

    #[test]
    fn the_factorial_of_1000_is_known() {
        let digits = product(1, 1000).to_string();
        assert_eq!(digits.len(), 2568);
        assert!(digits.starts_with("402387260077093773543702433923003985"));
        let sum: u32 = digits.bytes().map(|digit| (digit - b'0') as u32).sum();
        assert_eq!(sum, 10539); // Project Euler would like this one
    }

    #[test]
    fn fibonacci_numbers_are_those_of_the_definition() {
        for index in 0..300 {
            assert_eq!(fibonacci(index), naive_fibonacci(index), "{index}");
        }
        let digits = fibonacci(10_000).to_string();
        assert_eq!(digits.len(), 2090);
        assert!(digits.starts_with("33644764876431783266621612005107543310"));
        assert!(digits.ends_with("66073310059947366875"));
    }

    #[test]
    fn a_sum_by_formula_continues_the_sum_one_by_one() {
        let n = |n: u64| BigUint::from(n);
        assert_eq!(sum(&n(1), &n(100)), n(5050));
        assert_eq!(sum(&n(5), &n(5)), n(5));
        let short = sum(&n(1), &n(ONE_BY_ONE));
        let long = sum(&n(1), &n(ONE_BY_ONE + 1));
        assert_eq!(long - short, n(ONE_BY_ONE + 1));
        let huge = BigUint::from(10u8).pow(40);
        assert_eq!(sum(&huge, &(&huge + 1u8)), &huge * 2u8 + 1u8);
        assert_eq!(
            sum(&n(u64::MAX - 1), &n(u64::MAX)),
            n(u64::MAX) * 2u8 - 1u8
        );
    }

    #[test]
    fn what_is_no_number_is_no_message() {
        for text in ["\"\"", "\"xyz\"", "17"] {
            assert!(serde_json::from_str::<Hex>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_product_in_two_parts_is_the_product(a in 1u64..500, b in 0u64..500, c in 0u64..500) {
            let (middle, end) = (a + b, a + b + c + 1);
            let parts = [product(a, middle), product(middle + 1, end)];
            prop_assert_eq!(product_of(&parts), product(a, end));
        }

        #[test]
        fn numbers_survive_their_journey(digits in "[1-9][0-9]{0,80}") {
            let before: BigUint = digits.parse().unwrap();
            let text = serde_json::to_string(&Hex(before.clone())).unwrap();
            prop_assert_eq!(serde_json::from_str::<Hex>(&text).unwrap(), Hex(before));
        }
    }
}
