//! Process 1 of a container: signals that nobody asked for do not reach it, and strangers' children
//! are its own.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{IN_TIME, Run, SOON, served_address};
use crate::trials::trial;
use crate::{needs_root, proc};

const RUNNER: &str = env!("CARGO_BIN_EXE_main-runner");

pub fn tests() -> Vec<Trial> {
    let missing = missing();
    let mut trials = Vec::new();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let name = format!("as_process_1_a_lesson_that_would_end_by_itself_ends_on_{signal}");
        trials.push(trial(name.to_lowercase(), move || ends_on(signal)));
    }
    for (lesson, words) in [
        ("scheduling", "scheduling --stay --port 0"),
        ("http_server", "http-server --stay --port 0"),
        ("polyglot", "polyglot --stay --port 0 --workers 1"),
    ] {
        let name = format!("as_process_1_{lesson}_reaps_strangers");
        trials.push(trial(name, move || reaps_strangers(words)));
    }
    let ignored = |it: Trial| match missing {
        Some(reason) => it.with_kind(reason).with_ignored_flag(true),
        None => it,
    };
    trials.into_iter().map(ignored).collect()
}

fn missing() -> Option<&'static str> {
    let namespace = || Command::new("unshare").args(["-pf", "--mount-proc", "true"]).output();
    match needs_root() {
        Err(reason) => Some(reason),
        Ok(()) if namespace().is_ok_and(|it| it.status.success()) => None,
        Ok(()) => Some("needs unshare(1) and a new PID namespace"),
    }
}

/// The lesson as process 1 of a namespace, and its number outside of it.
fn start(words: &str, ready: impl FnOnce(&Run)) -> (Run, Pid) {
    let words: Vec<&str> = words.split(' ').collect();
    let run = Run::of(Command::new("unshare").args(["-pf", "--mount-proc", RUNNER]).args(words));
    ready(&run);
    let first = proc::children(run.pid())[0];
    (run, first)
}

fn ends_on(signal: Signal) {
    // Telling it takes longer than this test.
    let (run, first) = start("ipc --slow=5s", |run| drop(run.wait_for_line("", IN_TIME)));
    kill(first, signal).expect("it is there");
    let until = Instant::now() + 2 * SOON;
    while proc::lives(first) {
        assert!(Instant::now() < until, "{signal} does not end it");
        thread::sleep(Duration::from_millis(10)); // looks again
    }
    run.assert_nothing_left(SOON);
}

fn reaps_strangers(words: &str) {
    const STRANGERS: usize = 5;
    let (run, first) = start(words, |run| drop(served_address(run)));
    let others = proc::children(first).len();
    let enter = |script: &str| {
        let pid = first.to_string();
        let mut command = Command::new("nsenter");
        command.args(["-t", &pid, "-p", "-m", "sh", "-c", script]);
        assert!(command.status().expect("nsenter(1) is here").success());
    };
    for _ in 0..STRANGERS {
        enter("sleep 0.2 & exit 0"); // its parent is gone before it
    }
    let until = Instant::now() + Duration::from_secs(3);
    while proc::children(first).len() > others || proc::zombies(first) > 0 {
        let zombies = proc::zombies(first);
        assert!(Instant::now() < until, "{zombies} of {STRANGERS} strangers are zombies");
        thread::sleep(Duration::from_millis(10)); // looks again
    }
    kill(first, Signal::SIGTERM).expect("it is there");
    let output = run.finish(IN_TIME);
    assert!(output.status.success(), "{output:#?}");
}
