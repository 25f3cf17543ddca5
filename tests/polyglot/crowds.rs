//! Many clients: who is served by whom, and that nobody is forgotten.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use visitors::{Seen, Trouble, Visitor};

use crate::support::IN_TIME;
use crate::{PAIRS, Test, name, stay};

const CLIENTS: usize = 16;
const REQUESTS: usize = 10_000;
/// The longest that anybody may be left without an answer or an error.
const AT_MOST: Duration = Duration::from_secs(5);

pub fn tests() -> Vec<Test> {
    vec![
        ("under_rr_a_sequential_clients_counts_differ_by_at_most_one", one_after_another),
        ("under_rr_each_worker_answers_a_quarter_of_a_crowd_or_more", || crowd("rr", REQUESTS / 4)),
        ("under_none_a_whole_crowd_is_answered", || crowd("none", 0)),
        ("nobody_waits_for_ever_while_workers_are_killed", while_workers_are_killed),
    ]
}

fn one_after_another() {
    for words in PAIRS {
        let (_run, visitor) = stay(&format!("--policy rr {words}"));
        let spread = |_| {
            let counts = counts(&visitor.one_by_one("/", 101));
            let (most, least) = (counts.values().max(), counts.values().min());
            assert_eq!(counts.len(), 2, "{words}: {counts:?}");
            most.unwrap_or(&0) - least.unwrap_or(&0)
        };
        // A machine with other things to do may hold a worker up before it
        // waits again, so that it misses a turn, in some round.
        let spreads: Vec<usize> = (1..=5).map(spread).collect();
        println!("{words}: counts of 101 differ by {spreads:?}");
        assert!(spreads.iter().any(|spread| *spread <= 1), "{spreads:?}");
    }
}

fn crowd(policy: &str, at_least: usize) {
    for words in PAIRS {
        let (_run, visitor) = stay(&format!("--policy {policy} {words}"));
        let least = |_| {
            let counts = counts(&all_at_once(visitor));
            println!("{policy} {words}: {REQUESTS} requests, split {counts:?}");
            assert_eq!(counts.values().sum::<usize>(), REQUESTS);
            match counts.len() {
                2 => counts.values().min().copied().unwrap_or_default(),
                _ => 0, // one of them answered all
            }
        };
        // The faster one gets more. On a machine with other things to do, one
        // may be held up for the better part of a round.
        assert!((1..=3).map(least).any(|it| it >= at_least), "{words}");
    }
}

fn all_at_once(visitor: Visitor) -> Vec<Seen> {
    thread::scope(|scope| {
        let come = || visitor.one_by_one("/", REQUESTS / CLIENTS);
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(come)).collect();
        let seen = clients.into_iter().map(|it| it.join().expect("seen"));
        seen.flatten().collect()
    })
}

/// One of two workers is killed every 500 ms; a replacement takes its time.
fn while_workers_are_killed() {
    let seconds = std::env::var("STORM_SECONDS").ok();
    let seconds = seconds.and_then(|it| it.parse().ok()).unwrap_or(10);
    let (run, visitor) = stay("--policy rr -- node APP");
    let over = AtomicBool::new(false);
    let seen: Vec<Seen> = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..4).map(|_| scope.spawn(|| visits_until(&over, visitor))).collect();
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            // Whoever answers is the victim.
            let answer = visitor.visit("/").result;
            if let Some(pid) = answer.ok().and_then(|it| it.text().trim().parse().ok()) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            // The storm's own beat.
            thread::sleep(Duration::from_millis(500));
        }
        over.store(true, Ordering::Relaxed);
        let seen = clients.into_iter().map(|it| it.join().expect("seen"));
        seen.flatten().collect()
    });
    let longest = seen.iter().map(|seen| seen.latency).max();
    let failed = seen.iter().filter(|seen| seen.result.is_err()).count();
    println!("{} clients in {seconds} s: {failed} met an error, longest {longest:?}", seen.len());
    let waited = |seen: &&Seen| seen.latency > AT_MOST || seen.result == Err(Trouble::TimedOut);
    assert_eq!(seen.iter().filter(waited).count(), 0, "waited too long");
    assert!(failed * 10 < seen.len(), "{failed} of {}", seen.len());
    run.signal(Signal::SIGTERM);
    let output = run.finish(IN_TIME);
    assert!(output.status.success(), "{output:#?}");
    assert!(output.stdout.contains("killed by SIGKILL, not asked"));
}

fn visits_until(over: &AtomicBool, visitor: Visitor) -> Vec<Seen> {
    let mut seen = Vec::new();
    while !over.load(Ordering::Relaxed) {
        seen.push(visitor.visit("/"));
        // Leaves the machine some air.
        thread::sleep(Duration::from_millis(2));
    }
    seen
}

fn counts(seen: &[Seen]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for seen in seen {
        *counts.entry(name(seen)).or_default() += 1;
    }
    counts
}
