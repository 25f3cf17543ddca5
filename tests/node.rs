//! Whether a lesson's tellings are the same story, worker by worker, every time and on a busy
//! machine.
//!
//! Each pair is told `TELLINGS_ROUNDS` times (2, unless it says otherwise) while two threads keep
//! the CPUs busy.

mod support;
#[path = "support/times.rs"]
mod times;
#[path = "support/trials.rs"]
mod trials;

#[path = "../main-runner/src/compare/story.rs"]
mod story;

use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::thread;

use libtest_mimic::{Arguments, Trial};
use support::{IN_TIME, Run, SOON, between_rulers, lesson_file, lessons, page, runs_here};
use trials::{needing_node, trial};

const RUNNER: &str = env!("CARGO_BIN_EXE_main-runner");

/// How many threads compute for nothing. They end with this process, whatever ends it.
const BUSY: usize = 2;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (in_node, not_in_node): (Vec<_>, Vec<_>) =
        lessons().into_iter().partition(|lesson| lesson_file(lesson, "node.mjs").is_file());
    let mut trials = needing_node(in_node.iter().map(|lesson| told_in_node(lesson)));
    trials.extend(not_in_node.iter().map(|it| missing(name_in_node(it), it, "node.mjs")));
    trials.extend(lessons().iter().filter_map(|lesson| by_hand(lesson)));
    if !arguments.list {
        for _ in 0..BUSY {
            thread::spawn(busy);
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn busy() {
    loop {
        black_box(0);
    }
}

fn rounds() -> u32 {
    let wanted = std::env::var("TELLINGS_ROUNDS").ok();
    wanted.map_or(2, |rounds| rounds.parse().expect("TELLINGS_ROUNDS is a number"))
}

/// The lesson in Rust against its program in Node.
fn told_in_node(lesson: &str) -> Trial {
    let program = lesson_file(lesson, "node.mjs");
    let name = name_in_node(lesson);
    let lesson = lesson.to_owned();
    trial(name, move || {
        same_story(&lesson, || {
            Run::of(Command::new("node").arg(&program).env("MAIN_RUNNER", RUNNER))
        });
    })
}

fn name_in_node(lesson: &str) -> String {
    format!("{lesson}_tells_the_same_story_in_node_and_in_rust")
}

/// The lesson on the `cluster` crate against the lesson on bare system calls; needs no Node, if the
/// lesson does not.
fn by_hand(lesson: &str) -> Option<Trial> {
    let name = format!("{lesson}_tells_the_same_story_by_hand");
    if !lesson_file(lesson, "src/by_hand.rs").is_file() {
        let claimed = is_on_the_page(lesson, "src/by_hand.rs");
        return claimed.then(|| missing(name, lesson, "src/by_hand.rs"));
    }
    let lesson = lesson.to_owned();
    let ignored = !runs_here(&lesson);
    let trial = trial(name, move || {
        same_story(&lesson, || Run::start(RUNNER, &[&lesson, "--by-hand"]));
    });
    Some(trial.with_ignored_flag(ignored))
}

/// A lesson may do without a telling, unless its page shows it.
fn missing(name: String, lesson: &str, file: &str) -> Trial {
    let path = format!("examples/{lesson}/{file}");
    let claimed = is_on_the_page(lesson, file);
    let kind = format!("no {path}");
    let failure = format!("lessons/{lesson}.md shows {path}, which does not exist");
    trial(name, move || panic!("{failure}")).with_kind(kind).with_ignored_flag(!claimed)
}

fn is_on_the_page(lesson: &str, file: &str) -> bool {
    page(lesson).contains(&format!("examples/{lesson}/{file}"))
}

/// Tells the lesson in Rust and otherwise, by turns: each time it is the story of the first time.
fn same_story(lesson: &str, otherwise: impl Fn() -> Run) {
    let first = told(&Run::start(RUNNER, &[lesson]));
    for round in 1..=rounds() {
        if round > 1 {
            same(&first, &told(&Run::start(RUNNER, &[lesson])), "in Rust", round);
        }
        same(&first, &told(&otherwise()), "the other telling", round);
    }
}

fn same(first: &str, now: &str, telling: &str, round: u32) {
    assert!(first == now, "{telling}, round {round}\n{}", between_rulers(first, now));
}

/// What a run told, one story for each worker.
fn told(run: &Run) -> String {
    let output = run.finish(3 * IN_TIME); // how long it takes is not what is proven here
    run.assert_nothing_left(SOON);
    assert!(output.status.success(), "{output:#?}");
    let stories = story::by_worker(&story::sentences(&output.stdout));
    let stories = stories.values().map(|story| story.join("\n"));
    stories.collect::<Vec<_>>().join("\n\n")
}
