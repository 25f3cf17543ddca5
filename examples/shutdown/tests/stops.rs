//! What the lesson claims, checked from outside: stops under load, stubborn
//! workers, signals to one and to all.

#[rustfmt::skip] // it has its own width
#[path = "../../../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{
    IN_TIME, Output, Run, SOON, assert_tells_that_a_port_is_taken,
    served_address,
};
use visitors::{Slowness, Trouble, Visitor};

const PROGRAM: &str = env!("CARGO_BIN_EXE_shutdown");

fn start(words: &str) -> Run {
    support::typed(PROGRAM, words)
}

/// A server to visit, on a port of its own.
fn stay(words: &str) -> (Run, Visitor) {
    let run = start(&format!("--stay --port 0 {words}"));
    let visitor = Visitor::new(served_address(&run)).expect("on this machine");
    (run, visitor.with_patience(IN_TIME))
}

/// How many requests the workers began to read, and how many they answered.
fn tally(output: &Output) -> (usize, usize) {
    let of = |line: &str| {
        let tally = line.split("has answered ").nth(1)?;
        let (answered, begun) = tally.split_once(" of ")?;
        Some((begun.parse::<usize>().ok()?, answered.parse::<usize>().ok()?))
    };
    let tallies = output.stdout.lines().filter_map(of);
    tallies.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

// Under load.

/// What a client met in the end.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
enum End {
    /// It was told, in an answer, that the connection ends.
    Told,
    Refused,
    Reset,
    Closed,
    Other(String),
}

/// A client that asks until it is cut off. How many whole answers it got.
fn ask_until_the_end(
    visitor: Visitor,
    kind: usize,
    answered: &Sender<()>,
    stopping: &AtomicBool,
) -> (usize, End) {
    let mut answers = 0;
    loop {
        let mut seen = match kind % 4 {
            0 => visitor.stay("/", 10),
            1 => vec![visitor.visit("/work?ms=20")],
            2 => vec![visitor.visit_slowly(
                "/",
                Slowness::ByteByByte(Duration::from_micros(200)),
            )],
            _ => visitor.stay("/work?ms=5", 4),
        };
        let last = seen.pop().expect("something was seen");
        let told = seen.last().is_some_and(|seen| {
            seen.result.as_ref().is_ok_and(|answer| !answer.keep_alive)
        });
        for seen in seen.iter().chain(Some(&last)) {
            if let Ok(answer) = &seen.result {
                assert!(answer.is_success(), "{seen}");
                answers += 1;
                let _ = answered.send(()); // nobody counts after the first few
            }
        }
        let Err(trouble) = last.result else { continue };
        assert!(
            stopping.load(Ordering::SeqCst),
            "a client met trouble before the server was to stop: {trouble}"
        );
        let end = match trouble {
            Trouble::ClosedEarly if told => End::Told,
            Trouble::ClosedEarly => End::Closed,
            Trouble::Refused => End::Refused,
            Trouble::Reset => End::Reset,
            other => End::Other(other.to_string()),
        };
        return (answers, end);
    }
}

/// In each stop, what the clients got is all that the server began to read: so
/// many whole answers. Who was cut off had not been heard yet.
#[test]
fn every_request_that_was_begun_is_answered_in_full_in_20_stops_under_load() {
    const CLIENTS: usize = 12;
    let mut ends: BTreeMap<End, usize> = BTreeMap::new();
    for stop in 0..20 {
        let (run, visitor) = stay("");
        let stopping = AtomicBool::new(false);
        let (answered, answers) = channel();
        let got = thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|kind| {
                    let (answered, stopping) = (answered.clone(), &stopping);
                    scope.spawn(move || {
                        ask_until_the_end(visitor, kind, &answered, stopping)
                    })
                })
                .collect();
            for _ in 0..5 * CLIENTS {
                answers.recv_timeout(IN_TIME).expect("clients are answered");
            }
            stopping.store(true, Ordering::SeqCst);
            match stop % 2 {
                0 => run.signal(Signal::SIGTERM),
                _ => run.signal_group(Signal::SIGINT), // as Ctrl-C does
            }
            let mut got = 0;
            for client in clients {
                let (answers, end) = client.join().expect("no panic");
                got += answers;
                *ends.entry(end).or_default() += 1;
            }
            got
        });
        let output = run.finish(IN_TIME);
        assert!(output.status.success(), "{output:#?}");
        run.assert_nothing_left(SOON);
        let (begun, answered) = tally(&output);
        assert_eq!((begun, answered), (got, got), "stop {stop}");
    }
    println!("20 stops, {CLIENTS} clients each, and how they ended: {ends:?}");
    let clients: usize = ends.values().sum();
    let named = |end: &End| !matches!(end, End::Other(_));
    assert_eq!(clients, 20 * CLIENTS);
    assert!(ends.keys().all(named), "{ends:?}");
}

// Who stops how.

#[test]
fn a_request_that_came_half_is_answered_and_who_comes_later_is_refused() {
    let (run, visitor) = stay("");
    let mut half = visitor.connect().expect("it listens");
    half.send(b"GET / HT").expect("it is there");
    run.wait_for_line("begins to read", IN_TIME);
    run.signal(Signal::SIGTERM);
    run.wait_for_line("begins to stop", IN_TIME);
    half.send(b"TP/1.1\r\n\r\n").expect("it is still there");
    let answer = half.hear().expect("an answer");
    assert!(answer.is_success(), "{answer:?}");
    let output = run.finish(IN_TIME);
    assert!(output.status.success(), "{output:#?}");
    assert_eq!(visitor.visit("/").result, Err(Trouble::Refused));
    run.assert_nothing_left(SOON);
}

#[test]
fn an_idle_connection_does_not_hold_up_the_end() {
    let (run, visitor) = stay("");
    let mut idle = visitor.connect().expect("it listens");
    idle.send(b"GET / HTTP/1.1\r\n\r\n").expect("it is there");
    assert!(idle.hear().expect("an answer").keep_alive);
    run.signal(Signal::SIGTERM);
    assert_eq!(idle.hear(), Err(Trouble::ClosedEarly));
    assert!(run.finish(IN_TIME).status.success());
}

#[test]
fn ctrl_c_to_the_whole_group_does_not_take_the_workers() {
    let (run, visitor) = stay("");
    thread::scope(|scope| {
        let work = scope.spawn(|| visitor.visit("/work?ms=500"));
        run.wait_for_line("begins to read", IN_TIME);
        run.signal_group(Signal::SIGINT);
        let seen = work.join().expect("no panic");
        assert!(seen.worker().is_some(), "{seen}");
    });
    let output = run.finish(IN_TIME);
    assert!(output.status.success(), "{output:#?}");
    assert_eq!(tally(&output), (1, 1));
    run.assert_nothing_left(SOON);
}

/// The processes that it has started.
fn workers(run: &Run) -> Vec<Pid> {
    let primary = run.pid();
    let path = format!("/proc/{primary}/task/{primary}/children");
    let children = std::fs::read_to_string(path).expect("it is there");
    let pid = |it: &str| Pid::from_raw(it.parse().expect("a number"));
    children.split_whitespace().map(pid).collect()
}

/// A signal with a handler interrupts poll(2), SA_RESTART or not.
#[test]
fn signals_that_workers_leave_to_the_primary_cut_off_nobody() {
    const ASK: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
    let (run, visitor) = stay("");
    let connect = |_| visitor.connect().expect("it listens");
    let mut connections: Vec<_> = (0..6).map(connect).collect();
    for round in 0..100 {
        for connection in &mut connections {
            connection.send(ASK).expect("it is there");
            let answer = connection.hear();
            assert!(answer.is_ok_and(|it| it.keep_alive), "round {round}");
        }
        // Threads that wait for the next question get what comes while their
        // main thread has enough to do.
        for worker in workers(&run).into_iter().cycle().take(3 * 20) {
            kill(worker, Signal::SIGINT).expect("it is there");
        }
    }
    drop(connections);
    run.signal(Signal::SIGTERM);
    let output = run.finish(IN_TIME);
    assert!(output.status.success(), "{output:#?}");
    assert_eq!(tally(&output), (600, 600));
}

#[test]
fn a_stubborn_worker_is_warned_then_killed_and_the_story_says_so() {
    for telling in ["--stubborn", "--stubborn --by-hand"] {
        let run = start(telling);
        let output = run.finish(IN_TIME);
        assert!(output.status.success(), "{output:#?}");
        let end = [
            "worker 2  has answered 1 of 1",
            "worker 2  says: SIGTERM? Not now.",
            "worker 2  killed by SIGKILL, not as asked",
            "primary   has stopped: worker 2 had to be killed",
        ];
        let told: Vec<&str> =
            output.stdout.lines().filter(|line| end.contains(line)).collect();
        assert_eq!(told, end, "{output:#?}");
        run.assert_nothing_left(SOON);
    }
}

#[test]
fn a_server_that_had_to_kill_a_worker_exits_1() {
    let (run, _) = stay("--stubborn");
    run.signal(Signal::SIGTERM);
    let output = run.finish(IN_TIME);
    assert_eq!(output.status.code(), Some(1), "{output:#?}");
    assert!(output.stdout.contains("worker 2  killed by SIGKILL"));
    assert_eq!(output.stderr.lines().count(), 2, "{output:#?}");
    run.assert_nothing_left(SOON);
}

#[test]
fn a_second_signal_ends_the_server_at_once_by_that_signal() {
    for second in [Signal::SIGINT, Signal::SIGTERM] {
        let (run, visitor) = stay("");
        thread::scope(|scope| {
            scope.spawn(|| visitor.visit("/work?ms=5000"));
            run.wait_for_line("begins to read", IN_TIME);
            run.signal(Signal::SIGTERM);
            run.wait_for_line("begins to stop", IN_TIME);
            run.signal(second);
            let status = run.finish(IN_TIME).status;
            assert_eq!(status.signal(), Some(second as i32));
            run.assert_nothing_left(SOON);
        });
    }
}

#[test]
fn by_hand_a_second_ctrl_c_ends_at_once_and_a_kill_leaves_nobody() {
    for (signal, group) in [(Signal::SIGINT, true), (Signal::SIGKILL, false)] {
        // Worker 2 is told to leave, and is not gone yet.
        let run = start("--by-hand --stubborn --slow=100ms");
        run.wait_for_line("begins to stop", IN_TIME);
        match group {
            true => run.signal_group(signal),
            false => run.signal(signal),
        }
        let status = run.finish(IN_TIME).status;
        assert_eq!(status.signal(), Some(signal as i32));
        run.assert_nothing_left(SOON);
    }
}

#[test]
fn a_taken_port_is_told_in_two_lines_that_name_the_way_out() {
    assert_tells_that_a_port_is_taken(PROGRAM, "");
}

#[test]
fn who_connects_before_the_close_is_reset_unless_somebody_else_holds_the_door()
{
    let run = start("--door");
    let output = run.finish(IN_TIME);
    assert!(output.status.success(), "{output:#?}");
    for line in ["visitor 1 sees: connection reset", "visitor 2 sees 200"] {
        assert!(output.stdout.lines().any(|it| it == line), "{output:#?}");
    }
}
