//! A primary that is killed, and workers that cannot notice it by themselves.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};

use crate::lesson::{Lesson, SCHEDULING};
use crate::proc;
use crate::support::{IN_TIME, Run, SOON, runs_here};
use crate::trials::trial;
use crate::victim::stop;

const RUNNER: &str = env!("CARGO_BIN_EXE_main-runner");

pub fn tests() -> Vec<Trial> {
    let missing = Command::new("setsid").arg("--version").output().is_err();
    let what = "leaves_no_stopped_worker_and_no_port_behind_a_killed_primary";
    let services = SCHEDULING
        .into_iter()
        .map(|lesson| trial(format!("{}_{what}", lesson.name), move || leaves_nothing(&lesson)));
    let by_hand = BY_HAND.into_iter().filter(|it| runs_here(it.split(' ').next().unwrap_or(it)));
    let by_hand = by_hand.map(|words| {
        let name = words.replace("--", "").replace([' ', '-'], "_");
        let what = "leaves_no_stopped_worker_behind_a_killed_primary";
        trial(format!("{name}_{what}"), move || leaves_nothing_by_hand(words))
    });
    let ignored = |it: Trial| it.with_kind("needs setsid(1)").with_ignored_flag(true);
    let tests = services.chain(by_hand);
    if missing { tests.map(ignored).collect() } else { tests.collect() }
}

/// What calls fork(2) itself.
const BY_HAND: [&str; 12] = [
    "calculate --by-hand",
    "cpus --by-hand",
    "fork --by-hand",
    "http-server --by-hand",
    "ipc --by-hand",
    "ipc --deadlock forgotten-end",
    "ipc --deadlock full-pipe",
    "online --by-hand",
    "polyglot --by-hand",
    "scheduling --by-hand --policy none",
    "scheduling --by-hand --policy rr",
    "shutdown --by-hand",
];

fn leaves_nothing_by_hand(words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    let mut command = Command::new("setsid");
    let run = Run::of(command.args(["--wait", RUNNER]).args(words).arg("--slow=1s"));
    let until = Instant::now() + IN_TIME;
    let mut seen = BTreeMap::new();
    let primary = loop {
        assert!(Instant::now() < until, "it does not fork");
        let primary = proc::children(run.pid()).first().copied();
        let workers = primary.map(proc::children).unwrap_or_default();
        for worker in &workers {
            // One that waits for something, or has computed for a while, has prepared itself.
            let looks = seen.entry(*worker).or_insert(0);
            *looks += 1;
            if proc::sleeps(*worker) || *looks > 20 {
                stop(*worker);
            }
        }
        // Some of them live for a moment only.
        match primary.filter(|_| workers.iter().any(|worker| proc::is_stopped(*worker))) {
            Some(primary) => break primary,
            None => thread::sleep(Duration::from_millis(1)), // looks again
        }
    };
    kill(primary, Signal::SIGKILL).expect("it is there");
    run.assert_nothing_left(SOON);
    run.finish(IN_TIME);
}

/// In a session of its own, as a service has it: elsewhere the system may wake and hang up stopped
/// processes that are left alone.
fn leaves_nothing(lesson: &Lesson) {
    let server = lesson.start_by(&["setsid", "--wait"], None);
    stop(server.workers()[0]);
    kill(server.primary, Signal::SIGKILL).expect("it is there");
    server.run.assert_nothing_left(SOON);
    server.run.finish(IN_TIME);
    let again = TcpListener::bind(server.address);
    assert!(again.is_ok(), "{}: {again:?}", server.address);
}
