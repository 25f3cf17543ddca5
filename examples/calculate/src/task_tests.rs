//! How tasks are typed, split, and put together.

use super::*;
use proptest::prelude::*;

fn parse(words: &str) -> Result<Task, Refusal> {
    Task::parse(
        &words.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
    )
}

fn complaint(words: &str) -> String {
    match parse(words) {
        Err(Refusal::Wrong(failure)) => format!("{failure:#}"),
        other => panic!("{words}: {other:?}"),
    }
}

fn compute(task: &Task, workers: usize) -> Answer {
    task.put_together(task.split(workers).iter().map(kernel::compute).collect())
}

#[test]
fn tasks_are_read_as_they_are_written() {
    for task in Task::all() {
        assert_eq!(parse(&task.command()).unwrap(), task);
    }
    assert_eq!(parse("primes 1_000_000").unwrap(), Task::Primes(1_000_000));
}

#[test]
fn what_is_wrong_is_said_in_two_lines() {
    for (words, what) in [
        ("cube 3", "there is no task `cube`"),
        ("sum 1", "sum takes 2 numbers, not 1 number"),
        ("primes", "primes takes 1 number, not 0 numbers"),
        ("factorial 1 2", "factorial takes 1 number, not 2 numbers"),
        ("factorial -5", "-5 is negative"),
        ("factorial five", "`five` is not a whole number"),
        ("fibonacci 1e6", "`1e6` is not a whole number"),
        ("fibonacci 1.5", "`1.5` is not a whole number"),
        ("fibonacci --", "`--` is not a whole number"),
        ("sum 10 1", "the sum begins with the larger number"),
    ] {
        let text = complaint(words);
        assert_eq!(text.lines().next(), Some(what));
        assert_eq!(text.lines().count(), 2, "{text}");
    }
}

#[test]
fn beyond_64_bits_only_sums_go_on() {
    let huge = "1".repeat(100);
    for name in ["factorial", "primes", "fibonacci"] {
        let refused = parse(&format!("{name} {huge}"));
        assert!(matches!(refused, Err(Refusal::TooLarge(_))), "{refused:?}");
    }
    assert!(parse(&format!("sum 1 {huge}")).is_ok());
}

#[test]
fn the_smallest_tasks_have_a_part_and_an_answer() {
    for (words, number) in [
        ("factorial 0", 1u32),
        ("factorial 1", 1),
        ("factorial 5", 120),
        ("sum 0 0", 0),
        ("sum 7 7", 7),
        ("primes 0", 0),
        ("primes 1", 0),
        ("primes 2", 1),
        ("primes 100", 25),
        ("fibonacci 0", 0),
        ("fibonacci 1", 1),
        ("fibonacci 10", 55),
    ] {
        let task = parse(words).unwrap();
        for workers in [1, 2, 7] {
            assert!(!task.split(workers).is_empty(), "{words}");
            assert_eq!(
                compute(&task, workers).number,
                number.into(),
                "{words}"
            );
        }
    }
    assert_eq!(compute(&Task::Primes(100), 3).last, [83, 89, 97]);
}

#[test]
fn a_sum_of_any_size_is_exact() {
    let sum = compute(&parse("sum 1 1000000000000").unwrap(), 2).number;
    assert_eq!(sum.to_string(), "500000000000500000000000");
    let google = BigUint::from(10u8).pow(100);
    let sum = compute(&Task::Sum(1u8.into(), google.clone()), 3).number;
    assert_eq!(sum, &google * (&google + 1u8) / 2u8);
}

proptest! {
    #[test]
    fn the_parts_are_the_whole(from in any::<u64>(), length in 0u64..1000, most in 1usize..40) {
        let to = from.saturating_add(length);
        let parts = ranges(from, to, most);
        prop_assert_eq!(parts[0].0, from);
        prop_assert_eq!(parts[parts.len() - 1].1, to);
        prop_assert!(parts.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
        let lengths: Vec<u64> = parts.iter().map(|(from, to)| to - from).collect();
        let (least, most_of_all) = (lengths.iter().min(), lengths.iter().max());
        prop_assert!(most_of_all.unwrap() - least.unwrap() <= 1);
        prop_assert_eq!(parts.len() as u64, (to - from).saturating_add(1).min(most as u64));
    }

    #[test]
    fn it_does_not_matter_for_how_many_workers_a_task_is_split(
        n in 0u64..3000, workers in 1usize..9,
    ) {
        for task in [Task::Factorial(n), Task::Primes(n), Task::Fibonacci(n)] {
            prop_assert_eq!(compute(&task, workers), compute(&task, 1));
        }
    }
}
