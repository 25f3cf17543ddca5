//! What each strategy leads to, seen from outside, and that the lesson ends
//! cleanly wherever it is interrupted.

#[rustfmt::skip] // it has its own width
#[path = "../../../tests/support/mod.rs"]
mod support;

use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::Signal;
use support::{IN_TIME, SOON, count, typed};

const PROGRAM: &str = env!("CARGO_BIN_EXE_restart");

fn told(flags: &str) -> Vec<String> {
    support::told(PROGRAM, flags)
}

fn has(story: &[String], line: &str) {
    assert!(story.iter().any(|it| it == line), "no `{line}` in {story:#?}");
}

/// The number before this word, in the first line that has one.
fn number_before(story: &[String], word: &str) -> f64 {
    let before = |line: &String| {
        let (before, _) = line.split_once(word)?;
        before.split_whitespace().last()?.parse().ok()
    };
    let found = story.iter().find_map(before);
    found.unwrap_or_else(|| panic!("no number before `{word}`: {story:#?}"))
}

#[test]
fn three_deaths_are_told_and_replaced_and_the_visitor_never_notices() {
    for telling in ["", "--by-hand"] {
        let story = told(telling);
        for line in [
            "worker 3  killed by SIGKILL, not asked",
            "worker 4  says: there is no seat 42",
            "worker 4  exits 101, not asked",
            "worker 5  exits 7, not asked",
            "primary   forks worker 6",
            "worker 6  is online",
            "visitor   asked 700 times, every one answered",
            "primary   is left with 3 workers",
            "worker 1  exits 0, as asked",
            "worker 2  exits 0, as asked",
            "worker 6  exits 0, as asked",
        ] {
            has(&story, line);
        }
        assert_eq!(count(&story, "primary   forks"), 6, "{story:#?}");
    }
}

#[test]
fn back_off_waits_before_each_restart_and_longer_each_time() {
    for telling in ["--strategy back-off", "--by-hand"] {
        let story = told(telling);
        let waits = |it: &String| {
            let wait = it.strip_prefix("primary   waits ")?;
            wait.strip_suffix(" ms")?.parse::<f64>().ok()
        };
        let waits: Vec<f64> = story.iter().filter_map(waits).collect();
        assert_eq!(waits.len(), 3, "{story:#?}");
        for (wait, least) in waits.into_iter().zip([100.0, 200.0, 400.0]) {
            assert!((least..=least * 1.2).contains(&wait), "{story:#?}");
        }
    }
}

#[test]
fn workers_that_die_together_wait_each_for_its_own_place() {
    let story = told("--together --kill 2");
    let first: Vec<&str> = story
        .iter()
        .filter_map(|line| line.strip_prefix("primary   waits "))
        .collect();
    assert_eq!(first.len(), 6, "{story:#?}");
    assert!(first[..3].iter().all(|wait| wait.starts_with('1')), "{first:?}");
    assert!(first[3..].iter().all(|wait| wait.starts_with('2')), "{first:?}");
}

#[test]
fn at_once_and_the_handler_of_ones_own_replace_without_a_wait() {
    for strategy in ["at-once", "own"] {
        let story = told(&format!("--strategy {strategy}"));
        has(&story, "visitor   asked 700 times, every one answered");
        has(&story, "primary   is left with 3 workers");
        assert_eq!(count(&story, "primary   waits"), 0, "{story:#?}");
        assert_eq!(count(&story, "primary   forks"), 6, "{story:#?}");
    }
}

#[test]
fn give_up_replaces_two_and_goes_on_with_those_that_are_left() {
    let story = told("--strategy give-up");
    has(&story, "primary   gave up after 2 restarts within 10s");
    has(&story, "visitor   asked 700 times, every one answered");
    has(&story, "primary   is left with 2 workers");
    assert_eq!(count(&story, "primary   forks"), 5, "{story:#?}");
}

#[test]
fn without_a_strategy_nobody_comes_back() {
    let story = told("--strategy none --kill 1");
    has(&story, "visitor   asked 300 times, every one answered");
    has(&story, "primary   is left with 2 workers");

    let story = told("--strategy none");
    has(&story, "visitor   asked 700 times, 500 answered");
    has(&story, "primary   is left with 0 workers");
    assert_eq!(count(&story, "primary   forks"), 3, "{story:#?}");
}

#[test]
fn all_workers_die_at_once_and_no_client_is_refused() {
    for strategy in ["at-once", "back-off", "own"] {
        let story = told(&format!("--together --strategy {strategy}"));
        has(&story, "visitor   asked 700 times, every one answered");
        has(&story, "primary   is left with 3 workers");
        assert_eq!(count(&story, "primary   forks"), 12, "{story:#?}");
    }
}

#[test]
fn more_deaths_than_workers_and_none_at_all_are_told_to_the_end() {
    has(&told("--kill 0"), "visitor   asked 100 times, every one answered");
    let story = told("--kill 7 --strategy at-once");
    has(&story, "visitor   asked 1500 times, every one answered");
    assert_eq!(count(&story, "primary   forks"), 10, "{story:#?}");
}

#[test]
fn the_storm_is_bounded_and_then_tamed() {
    let story = told("--storm");
    let forked = number_before(&story, " workers in ");
    assert!((3.0..=1000.0).contains(&forked), "{story:#?}");
    let seconds = number_before(&story, " s: a storm");
    assert!(seconds < 10.0, "{story:#?}"); // 1, and what a busy machine adds
    has(&story, "primary   gave up after 3 restarts within 10s");
    assert_eq!(count(&story, "exits 1, not asked"), 4, "{story:#?}");
}

#[test]
fn ctrl_c_among_deaths_ends_the_lesson_by_sigint_with_its_workers() {
    for (flags, line) in [
        ("--kill 100 --strategy at-once", "forks worker 5"),
        ("--kill 100 --strategy at-once --together", "forks worker 8"),
        ("--kill 100 --by-hand", "forks worker 5"),
        ("--storm", "replaces each of them at once"),
    ] {
        let run = typed(PROGRAM, flags);
        run.wait_for_line(line, IN_TIME);
        run.signal_group(Signal::SIGINT);
        let output = run.finish(IN_TIME);
        let signal = output.status.signal();
        assert_eq!(
            signal,
            Some(Signal::SIGINT as i32),
            "{flags:?}: {output:?}"
        );
        run.assert_nothing_left(SOON);
    }
}

#[test]
fn when_the_primary_is_killed_among_deaths_nobody_is_left() {
    for flags in ["--kill 100 --strategy at-once", "--kill 100 --by-hand"] {
        let run = typed(PROGRAM, flags);
        run.wait_for_line("forks worker 5", IN_TIME);
        run.signal(Signal::SIGKILL);
        run.finish(IN_TIME);
        run.assert_nothing_left(SOON);
    }
}
