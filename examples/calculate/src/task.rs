//! The tasks: how they are typed, split into parts, and put together again.

use std::fmt;

use narrator::Failure;
use num_bigint::BigUint;

use crate::kernel::{self, Answer, Hex, Work};
use crate::sieve;

/// Something to compute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Task {
    /// 1 times 2 times 3 and so on, up to this number.
    Factorial(u64),
    /// All whole numbers from the first to the second, added.
    Sum(BigUint, BigUint),
    /// How many primes there are up to this number.
    Primes(u64),
    /// The Fibonacci number with this index.
    Fibonacci(u64),
}

/// Why there is nothing to compute.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The command was wrong.
    Wrong(Failure),
    /// The command was right, but no computer can do it.
    TooLarge(Failure),
}

const USAGE: &str =
    "type one of: factorial N, sum FROM TO, primes N, fibonacci N";

impl Task {
    /// The tasks of the story.
    pub(crate) fn all() -> Vec<Task> {
        vec![
            Task::Factorial(100_000),
            Task::Sum(1u8.into(), 300_000_000u32.into()),
            Task::Primes(200_000_000),
            Task::Fibonacci(2_000_000),
        ]
    }

    /// The task that these words name.
    pub(crate) fn parse(words: &[String]) -> Result<Task, Refusal> {
        let [name, numbers @ ..] = words else {
            return wrong("no task is named", USAGE);
        };
        let (usage, count) = match name.as_str() {
            "factorial" | "primes" | "fibonacci" => (format!("{name} N"), 1),
            "sum" => ("sum FROM TO".to_owned(), 2),
            _ => return wrong(format!("there is no task `{name}`"), USAGE),
        };
        if numbers.len() != count {
            let [takes, given] =
                [count, numbers.len()].map(crate::text::numbers);
            return wrong(
                format!("{name} takes {takes}, not {given}"),
                format!("type: {usage}"),
            );
        }
        let numbers = numbers
            .iter()
            .map(|word| parse_number(word))
            .collect::<Result<Vec<_>, _>>()?;
        match (name.as_str(), &numbers[..]) {
            ("sum", [from, to]) if from > to => wrong(
                "the sum begins with the larger number",
                "put the smaller one first: sum FROM TO",
            ),
            ("sum", [from, to]) => Ok(Task::Sum(from.clone(), to.clone())),
            (_, [number, ..]) => {
                let number =
                    u64::try_from(number).map_err(|_| too_large(name))?;
                Ok(match name.as_str() {
                    "factorial" => Task::Factorial(number),
                    "primes" => Task::Primes(number),
                    _ => Task::Fibonacci(number),
                })
            }
            _ => wrong("no number is given", USAGE),
        }
    }

    /// The task as it is typed.
    pub(crate) fn command(&self) -> String {
        match self {
            Task::Factorial(n) => format!("factorial {n}"),
            Task::Sum(from, to) => format!("sum {from} {to}"),
            Task::Primes(n) => format!("primes {n}"),
            Task::Fibonacci(n) => format!("fibonacci {n}"),
        }
    }

    /// The parts that can be computed at the same time. More parts than
    /// workers, so that nobody waits long for the last one.
    pub(crate) fn split(&self, workers: usize) -> Vec<Work> {
        let sum = |from, to| Work::Sum(Hex(from), Hex(to));
        // ANCHOR: split
        match self {
            // Few: to put them together is work, too.
            Task::Factorial(n) => {
                each(Work::Product, ranges(1, 1.max(*n), 2 * workers))
            }
            Task::Sum(from, to) => each(sum, big_ranges(from, to, 8 * workers)),
            Task::Primes(n) => each(Work::Primes, ranges(0, *n, 32 * workers)),
            Task::Fibonacci(n) => vec![Work::Fibonacci(*n)],
        }
        // ANCHOR_END: split
    }

    /// The answer, from those to the parts.
    pub(crate) fn put_together(&self, answers: Vec<Answer>) -> Answer {
        let numbers = answers.iter().map(|answer| answer.number.clone());
        match self {
            Task::Factorial(_) => {
                let numbers: Vec<BigUint> = numbers.collect();
                let number = kernel::product_of(&numbers);
                Answer { number, last: Vec::new() }
            }
            Task::Sum(..) | Task::Primes(_) | Task::Fibonacci(_) => {
                let number = numbers.sum();
                let all = answers.into_iter().flat_map(|answer| answer.last);
                let mut last: Vec<u64> = all.collect();
                last.drain(..last.len().saturating_sub(sieve::LAST));
                Answer { number, last }
            }
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Task::Factorial(n) => write!(f, "factorial {n}"),
            Task::Sum(from, to) => {
                let [from, to] =
                    [from, to].map(|n| crate::text::short(&n.to_string()));
                write!(f, "sum {from} to {to}")
            }
            Task::Primes(n) => write!(f, "primes to {n}"),
            Task::Fibonacci(n) => write!(f, "fibonacci {n}"),
        }
    }
}

/// A whole number as people type it; `_` may stand between digits.
fn parse_number(word: &str) -> Result<BigUint, Refusal> {
    let digits = word.replace('_', "");
    if digits
        .strip_prefix('-')
        .is_some_and(|rest| rest.parse::<BigUint>().is_ok())
    {
        return wrong(
            format!("{word} is negative"),
            "give a whole number, 0 or more",
        );
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return wrong(
            format!("`{word}` is not a whole number"),
            "give digits only, for example 1000000",
        );
    }
    digits.parse().map_err(|_| too_large(word))
}

fn wrong<T>(
    what: impl Into<String>,
    advice: impl Into<String>,
) -> Result<T, Refusal> {
    Err(Refusal::Wrong(Failure::new(what, advice)))
}

fn too_large(name: &str) -> Refusal {
    Refusal::TooLarge(Failure::new(
        format!(
            "{name} of a number beyond 2^64 is out of reach of any computer"
        ),
        format!("begin with a smaller one: {name} 100000"),
    ))
}

fn each<N>(work: fn(N, N) -> Work, ranges: Vec<(N, N)>) -> Vec<Work> {
    ranges.into_iter().map(|(from, to)| work(from, to)).collect()
}

fn ranges(from: u64, to: u64, most: usize) -> Vec<(u64, u64)> {
    let small = |n| u64::try_from(n).unwrap_or(u64::MAX); // not above `to`
    big_ranges(&from.into(), &to.into(), most)
        .into_iter()
        .map(|(from, to)| (small(from), small(to)))
        .collect()
}

/// Cuts a range into at most so many of about equal length, none empty.
fn big_ranges(
    from: &BigUint,
    to: &BigUint,
    most: usize,
) -> Vec<(BigUint, BigUint)> {
    let length = to - from + 1u8;
    let parts = usize::try_from(&length).map_or(most, |it| it.min(most));
    let cut = |part: usize| from + &length * part / parts;
    (0..parts).map(|part| (cut(part), cut(part + 1) - 1u8)).collect()
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
