//! What the lesson `scheduling` claims, checked on the real program. A test target of its package.

mod support;

use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use support::{IN_TIME, Output, Run, SOON, assert_tells_that_a_port_is_taken, served_address};
use visitors::{Leaves, Seen, Slowness, Visitor};

const LESSON: &str = env!("CARGO_BIN_EXE_scheduling");

fn run(words: &str) -> Output {
    let run = start(words);
    let output = run.finish(IN_TIME);
    assert!(output.status.success(), "{output:#?}");
    run.assert_nothing_left(SOON);
    output
}

fn start(words: &str) -> Run {
    support::typed(LESSON, words)
}

/// A server to visit, on a port of its own.
fn stay(words: &str) -> (Run, Visitor) {
    let run = start(&format!("--stay --port 0 {words}"));
    let visitor = Visitor::new(served_address(&run)).expect("on this machine");
    (run, visitor)
}

/// How many the workers served, from the tally.
fn counts(output: &Output) -> Vec<u32> {
    let of = |line: &str| line.split("serves").nth(1)?.split_whitespace().next()?.parse().ok();
    output.stdout.lines().filter_map(of).collect()
}

fn workers(seen: &[Seen]) -> Vec<Option<u32>> {
    let mut workers: Vec<_> = seen.iter().map(Seen::worker).collect();
    workers.sort();
    workers.dedup();
    workers
}

#[test]
fn under_round_robin_the_counts_of_the_workers_differ_by_at_most_one() {
    for telling in ["", "--by-hand"] {
        for (requests, workers) in [(12, 3), (13, 4), (1, 2), (50, 7)] {
            let numbers = format!("--requests {requests} --workers {workers}");
            let counts = counts(&run(&format!("--policy rr {numbers} {telling}")));
            assert_eq!(counts.len(), workers);
            assert_eq!(counts.iter().sum::<u32>(), requests);
            let (most, least) = (counts.iter().max(), counts.iter().min());
            assert!(most.unwrap() - least.unwrap() <= 1, "{counts:?}");
        }
    }
}

#[test]
fn under_none_everybody_is_served_however_it_is_shared_out() {
    for telling in ["", "--by-hand"] {
        let counts = counts(&run(&format!("--policy none --requests 20 {telling}")));
        assert_eq!((counts.len(), counts.iter().sum::<u32>()), (3, 20));
    }
}

#[test]
fn nobody_waits_behind_a_busy_worker_while_another_one_idles() {
    const NO_WAIT: Duration = Duration::from_millis(50);
    for policy in ["rr", "none"] {
        let (run, visitor) = stay(&format!("--policy {policy}"));
        let longest_wait = |round| {
            thread::scope(|scope| {
                let work = scope.spawn(|| visitor.visit("/work?ms=1500"));
                run.wait_for_lines(round, "serves /work", IN_TIME);
                let mut seen = visitor.one_by_one("/", 200);
                seen.extend(visitor.at_once("/", 20));
                let work = work.join().unwrap();
                assert!(work.latency > SOON, "{work}");
                assert!(work.worker().is_some(), "{work}");
                assert!(!workers(&seen).contains(&work.worker()), "it was busy");
                assert!(!workers(&seen).contains(&None), "{seen:?}");
                seen.iter().map(|seen| seen.latency).max().unwrap()
            })
        };
        // A machine with other things to do may hold one up, in some round; a
        // busy worker that is given a visitor holds one up in every round.
        let waits: Vec<_> = (1..=3).map(longest_wait).take_while_inclusive(|wait| *wait >= NO_WAIT);
        assert!(*waits.last().unwrap() < NO_WAIT, "{policy}: {waits:?}");
    }
}

trait TakeWhileInclusive: Iterator + Sized {
    /// As long as it holds, and the first for which it does not.
    fn take_while_inclusive(self, holds: impl Fn(&Self::Item) -> bool) -> Vec<Self::Item> {
        let mut taken = Vec::new();
        for item in self {
            let goes_on = holds(&item);
            taken.push(item);
            if !goes_on {
                break;
            }
        }
        taken
    }
}

impl<I: Iterator> TakeWhileInclusive for I {}

#[test]
fn who_stays_on_one_connection_meets_one_worker() {
    for policy in ["rr", "none"] {
        let (_run, visitor) = stay(&format!("--policy {policy}"));
        let seen = visitor.stay("/", 30);
        assert_eq!(seen.len(), 30);
        assert!(matches!(workers(&seen)[..], [Some(_)]), "{seen:?}");
    }
}

#[test]
fn a_taken_port_is_told_in_two_lines_that_name_the_way_out() {
    for policy in ["rr", "none"] {
        assert_tells_that_a_port_is_taken(LESSON, &format!("--policy {policy}"));
    }
}

#[test]
fn asked_to_stop_the_server_finishes_what_it_has_begun_and_exits_0() {
    for (policy, signal) in [("rr", Signal::SIGTERM), ("none", Signal::SIGINT)] {
        let (run, visitor) = stay(&format!("--policy {policy}"));
        thread::scope(|scope| {
            let work = scope.spawn(|| visitor.visit("/work?ms=500"));
            run.wait_for_line("serves /work", IN_TIME);
            match signal {
                Signal::SIGINT => run.signal_group(signal), // as Ctrl-C does
                _ => run.signal(signal),
            }
            assert!(work.join().unwrap().worker().is_some());
        });
        let output = run.finish(IN_TIME);
        assert!(output.status.success(), "{output:#?}");
        assert_eq!(output.stderr, "");
        run.assert_nothing_left(SOON);
    }
}

#[test]
fn a_second_signal_ends_the_server_at_once_by_that_signal() {
    use std::os::unix::process::ExitStatusExt;
    let (run, visitor) = stay("");
    thread::scope(|scope| {
        scope.spawn(|| visitor.visit("/work?ms=5000"));
        run.wait_for_line("serves /work", IN_TIME);
        run.signal(Signal::SIGTERM);
        run.wait_for_line("begins to stop", IN_TIME);
        run.signal(Signal::SIGTERM);
        let status = run.finish(IN_TIME).status;
        assert_eq!(status.signal(), Some(Signal::SIGTERM as i32));
        run.assert_nothing_left(SOON);
    });
}

#[test]
fn visitors_that_are_slow_or_vanish_cost_no_worker_its_life() {
    for policy in ["rr", "none"] {
        let (run, visitor) = stay(&format!("--workers 2 --policy {policy}"));
        for leaves in [Leaves::AtOnce, Leaves::HalfWay, Leaves::BeforeTheAnswer] {
            for _ in 0..20 {
                visitor.vanish("/", leaves).expect("somebody listens");
            }
        }
        let slow = Slowness::ByteByByte(Duration::from_millis(30));
        let seen = visitor.visit_slowly("/", slow);
        assert_eq!(seen.result.map(|answer| answer.status), Ok(408));
        let seen = visitor.one_by_one("/", 10);
        assert!(!workers(&seen).contains(&None), "{seen:?}");
        run.signal(Signal::SIGTERM);
        let output = run.finish(IN_TIME);
        assert!(output.status.success(), "{output:#?}");
        assert!(!output.stdout.contains("not asked"), "{output:#?}");
    }
}

#[test]
fn by_hand_too_workers_follow_a_primary_that_is_killed() {
    for policy in ["rr", "none"] {
        let run = start(&format!("--by-hand --slow=200ms --policy {policy}"));
        run.wait_for_line("forks", IN_TIME);
        run.signal(Signal::SIGKILL);
        run.finish(IN_TIME);
        run.assert_nothing_left(SOON);
    }
}
