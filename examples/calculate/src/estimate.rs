//! How long a task will take, and how much memory, before it begins.

use std::f64::consts::{E, LN_10, TAU};

use narrator::Failure;

use crate::task::Task;
use crate::text;

/// What is refused unless somebody wants it anyway.
const PATIENCE: f64 = 120.0;
const MOST_MEMORY: f64 = 1024.0 * 1024.0 * 1024.0;

/// What a task will need, roughly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Estimate {
    pub seconds: f64,
    pub bytes: f64,
}

/// Refuses what is too large, and says how large that is.
pub(crate) fn check(task: &Task, workers: usize) -> Result<(), Failure> {
    let Estimate { seconds, bytes } = estimate(task, workers);
    if seconds <= PATIENCE && bytes <= MOST_MEMORY {
        return Ok(());
    }
    let (time, memory) = (text::time(seconds), text::bytes(bytes));
    Err(Failure::new(
        format!("{task} would take {time} and {memory} of memory"),
        "begin with a smaller number, or add --anyway if you mean it",
    ))
}

// Measured on a core of 2024. What matters is how the numbers grow: with twice
// as many digits, a multiplication takes about three times as long.
fn estimate(task: &Task, workers: usize) -> Estimate {
    match task {
        Task::Factorial(n) => digits(factorial_digits(*n as f64)),
        Task::Fibonacci(n) => digits(*n as f64 * fibonacci_digits_per_index()),
        Task::Primes(n) => sieve(*n as f64, workers as f64),
        // Each part is a loop of a tenth of a second, or a formula.
        Task::Sum(..) => Estimate { seconds: workers as f64, bytes: 1e6 },
    }
}

/// To compute a number of so many digits, and to print it.
fn digits(count: f64) -> Estimate {
    Estimate { seconds: 3.7e-10 * count.powf(1.5), bytes: 10.0 * count }
}

/// Stirling's formula.
fn factorial_digits(n: f64) -> f64 {
    let n = n.max(1.0);
    1.0 + (n * (n / E).ln() + (TAU * n).ln() / 2.0).max(0.0) / LN_10
}

/// The golden ratio is what one Fibonacci number has to the next.
fn fibonacci_digits_per_index() -> f64 {
    ((1.0 + 5f64.sqrt()) / 2.0).log10()
}

fn sieve(n: f64, workers: f64) -> Estimate {
    let root = n.sqrt();
    let base = root / root.ln().max(1.0); // about so many primes cross off
    let at_once = workers.min(cluster::available_parallelism() as f64);
    let per_number = 0.6e-9 + 1e-9 * base / 65536.0;
    Estimate {
        seconds: n * per_number / at_once,
        bytes: workers * (root / 2.0 + 16.0 * base),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(task: Task) -> Option<String> {
        check(&task, 2).err().map(|failure| format!("{failure:#}"))
    }

    #[test]
    fn the_lengths_of_numbers_are_known_in_advance() {
        for (n, length) in
            [(1, 1.0), (10, 7.0), (1000, 2568.0), (100_000, 456_574.0)]
        {
            assert!((factorial_digits(n as f64) - length).abs() <= 1.0, "{n}");
        }
        let length = 1e6 * fibonacci_digits_per_index();
        assert!((length - 208_988.0).abs() <= 1.0, "{length}");
    }

    #[test]
    fn what_takes_seconds_is_done_without_asking() {
        for task in Task::all() {
            assert_eq!(refusal(task), None);
        }
        for task in [
            Task::Factorial(0),
            Task::Factorial(1_000_000),
            Task::Fibonacci(10_000_000),
            Task::Primes(0),
            Task::Primes(10_000_000_000),
            Task::Sum(1u8.into(), num_bigint::BigUint::from(10u8).pow(1000)),
        ] {
            assert_eq!(refusal(task), None);
        }
    }

    #[test]
    fn what_takes_ages_is_refused_with_the_estimate_in_two_lines() {
        for (task, what) in [
            (Task::Factorial(1_000_000_000), "80 GiB"),
            (Task::Fibonacci(10_000_000_000), "hours and 19 GiB"),
            (Task::Primes(1_000_000_000_000_000), "days"),
            (Task::Factorial(u64::MAX), "take ages and 3"),
            (Task::Fibonacci(u64::MAX), "ages"),
            (Task::Primes(u64::MAX), "ages"),
        ] {
            let text = refusal(task).expect("a refusal");
            assert!(text.contains(what), "{what}: {text}");
            assert_eq!(text.lines().count(), 2);
            assert!(
                text.lines().all(|line| "error: ".len() + line.len() <= 80),
                "{text}"
            );
        }
    }

    #[test]
    fn more_workers_make_the_sieve_no_faster_than_there_are_cpus() {
        let [some, many] =
            [64, 1000].map(|workers| sieve(1e12, workers as f64).seconds);
        assert!(many >= some / 1000.0 * 64.0);
        assert!(sieve(1e12, 1.0).seconds >= some);
    }
}
