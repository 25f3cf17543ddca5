//! A primary that is killed, and workers that cannot notice it by themselves.

use std::net::TcpListener;
use std::process::Command;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};

use crate::lesson::{Lesson, SCHEDULING};
use crate::support::{IN_TIME, SOON};
use crate::trials::trial;
use crate::victim::stop;

pub fn tests() -> Vec<Trial> {
    let missing = Command::new("setsid").arg("--version").output().is_err();
    let tests = SCHEDULING.into_iter().map(|lesson| {
        let what = "leaves_no_stopped_worker_and_no_port_behind_a_killed_primary";
        let trial = trial(format!("{}_{what}", lesson.name), move || leaves_nothing(&lesson));
        if missing { trial.with_kind("needs setsid(1)").with_ignored_flag(true) } else { trial }
    });
    tests.collect()
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
