//! tiny_http's weak spots: each costs one worker at most, which is replaced,
//! while the others serve on.

#[rustfmt::skip] // it has its own width
#[path = "../../../tests/support/mod.rs"]
mod support;

mod server;

use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

use server::{PROGRAM, Server};
use support::{IN_TIME, Run, SOON};
use visitors::{Leaves, Visitor};

const HUGE: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\n\
    Content-Length: 1000000000000000\r\n\r\n";
/// One more than memory has addresses.
const BEYOND: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\n\
    Content-Length: 18446744073709551615\r\n\r\n";

/// All that a visitor sees from here on is good.
fn serves_on(visitor: Visitor) {
    for seen in visitor.one_by_one("/", 20) {
        assert!(seen.worker().is_some(), "{seen}");
    }
}

#[test]
fn the_request_that_aborts_its_process_costs_one_worker_each_time() {
    let server = Server::start("--workers 2");
    for time in 1..=20 {
        let request = if time % 5 == 0 { BEYOND } else { HUGE };
        let mut stream = server.connect();
        stream.write_all(request).expect("it listens");
        let mut heard = String::new();
        // The end may be hard: what came before it counts.
        let _ = stream.read_to_string(&mut heard);
        assert!(heard.starts_with("HTTP/1.1 413 "), "{time}: {heard:?}");
        serves_on(server.visitor);
        server.wait_until_all_are_back(2, time);
    }
    server.stop();
}

#[test]
fn half_a_request_delays_nobody_and_kills_nobody() {
    let server = Server::start("--workers 2");
    let halves = [
        &b"GET / HT"[..],
        b"GET / HTTP/1.1\r\nHo",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\nabc",
    ];
    let held: Vec<_> = (0..40)
        .map(|at| {
            let mut stream = server.connect();
            stream.write_all(halves[at % halves.len()]).expect("it listens");
            stream
        })
        .collect();
    serves_on(server.visitor);
    assert_eq!(server.status()["restarts"], 0);
    for leaves in [Leaves::AtOnce, Leaves::HalfWay, Leaves::BeforeTheAnswer] {
        for _ in 0..20 {
            server.visitor.vanish("/", leaves).expect("it listens");
        }
    }
    serves_on(server.visitor);
    assert_eq!(server.status()["restarts"], 0);
    server.stop();
    drop(held);
}

/// More half bodies than threads: deaf workers notice it, and are replaced.
#[test]
fn workers_whose_threads_are_all_stuck_end_and_others_come() {
    let server = Server::start("--workers 1");
    let half = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n";
    let held: Vec<_> = (0..40)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(half).expect("it listens");
            stream
        })
        .collect();
    server.run.wait_for_line("threads are stuck", IN_TIME);
    server.run.wait_for_line("worker 2  listens", IN_TIME);
    drop(held);
    serves_on(server.visitor);
    server.stop();
}

#[test]
fn who_holds_all_descriptors_of_a_worker_costs_that_worker() {
    // The limit of the shell that starts it holds for its workers, too.
    let mut shell = Command::new("sh");
    let limited = "ulimit -n 64 && exec \"$0\" --stay --port 0 --workers 2";
    let server = Server::of(shell.args(["-c", limited, PROGRAM]));
    let mut held = Vec::new();
    let mut first = server.visitor.come().expect("it listens");
    let met = first.ask("/").worker().expect("a worker");
    while first.ask("/").result.is_ok() {
        let mut stay = server.visitor.come().expect("it listens");
        match stay.ask("/").worker() {
            Some(worker) if worker == met => held.push(stay),
            _ => {}
        }
        assert!(held.len() < 64, "no limit");
    }
    server.wait_until_all_are_back(2, 1);
    drop(held);
    serves_on(server.visitor);
    server.run.wait_for_line(&format!("worker {met}  exits 1"), IN_TIME);
    server.stop();
}

#[test]
fn the_lesson_shows_each_of_them() {
    let long = Duration::from_secs(20);
    for (which, line) in [
        ("abort", "killed by SIGABRT, not asked"),
        ("descriptors", "worker 1  exits 1, not asked"),
        ("half", "visitor   still waits: tiny_http has no timeout"),
    ] {
        let run = Run::start(PROGRAM, &["--trouble", which]);
        let output = run.finish(long);
        assert!(output.status.success(), "{which}: {output:#?}");
        assert!(output.stdout.contains(line), "{which}: {output:#?}");
        assert!(output.stdout.contains("every one is answered"));
        run.assert_nothing_left(SOON);
    }
}

/// Whoever forks it may have a low limit just then: of the shell it was started
/// from, or because somebody lowered it while it ran.
#[test]
fn a_worker_sets_its_own_limit_of_descriptors_upwards_too() {
    let few = "ulimit -Sn 64 && exec \"$0\" --stay --port 0 --workers 2";
    let server = Server::of(Command::new("sh").args(["-c", few, PROGRAM]));
    for worker in server.status()["workers"].as_array().expect("an array") {
        let limits = format!("/proc/{}/limits", worker["pid"]);
        let limits = std::fs::read_to_string(limits).expect("it is there");
        let line = limits.lines().find(|it| it.starts_with("Max open files"));
        let soft = line.and_then(|it| it.split_whitespace().nth(3));
        assert_eq!(soft, Some("1024"), "{limits}");
    }
    server.stop();
}
