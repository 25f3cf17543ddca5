//! Services on bad days: what they promise to their clients when a program cannot be started, when
//! workers die one after the other or at birth, and when they are stopped while they are asked.
//!
//! Short, as one target of many. In the full length of what is promised: `BAD_DAYS_SECONDS=60 cargo
//! test -p main-runner --test bad_days`

#[path = "bad_days/crowd.rs"]
mod crowd;
#[path = "bad_days/early.rs"]
mod early;
#[path = "bad_days/front_page.rs"]
mod front_page;
#[path = "bad_days/in_flight.rs"]
mod in_flight;
#[path = "bad_days/length.rs"]
mod length;
#[path = "bad_days/lesson.rs"]
mod lesson;
#[path = "bad_days/orphans.rs"]
mod orphans;
#[path = "bad_days/pid_one.rs"]
mod pid_one;
#[path = "bad_days/proc.rs"]
mod proc;
#[path = "bad_days/stops.rs"]
mod stops;
mod support;
#[path = "support/times.rs"]
mod times;
#[path = "support/trials.rs"]
mod trials;
#[path = "bad_days/unread.rs"]
mod unread;
#[path = "bad_days/unstartable.rs"]
mod unstartable;
#[path = "bad_days/victim.rs"]
mod victim;

use std::process::ExitCode;

use lesson::Lesson;
use libtest_mimic::{Arguments, Trial};
use nix::unistd::Uid;
use support::node_is_here;
use trials::needing_node;

/// Most of a trial is waiting, so that several at a time leave each other enough of the machine.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    if let Some(code) = front_page::is_the_program() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let tests = [
        front_page::tests, // the longest first
        stops::tests,
        unstartable::tests,
        in_flight::tests,
        orphans::tests,
        pid_one::tests,
        unread::tests,
        early::tests,
    ];
    let mut trials = needing_node(Vec::new()); // whether it is there, where it must be
    trials.extend(tests.into_iter().flat_map(|tests| tests()));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn needs_root() -> Result<(), &'static str> {
    if Uid::effective().is_root() { Ok(()) } else { Err("needs root") }
}

/// The trial, ignored with the reason where the machine lacks what it needs. A missing Node is a
/// failure with `REQUIRE_NODE`.
fn needing(trial: Trial, lesson: &Lesson, reason: Option<&'static str>) -> Trial {
    let required = std::env::var_os("REQUIRE_NODE").is_some();
    let node = if lesson.needs_node && !required { node_is_here().err() } else { None };
    match reason.or(node) {
        Some(reason) => trial.with_kind(reason).with_ignored_flag(true),
        None => trial,
    }
}
