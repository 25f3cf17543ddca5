//! Whether Node and Rust tell the same story, worker by worker.
//!
//! Where Node is missing these tests are reported as ignored, never as passed. With `REQUIRE_NODE`
//! set, a missing Node is a failure.

mod support;

#[path = "../main-runner/src/compare/story.rs"]
mod story;

use std::process::{Command, ExitCode};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use support::{IN_TIME, Run, between_rulers, lesson_file, lessons, node_is_here, page, runs_here};

const RUNNER: &str = env!("CARGO_BIN_EXE_main-runner");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let node = node_is_here();
    let required = std::env::var_os("REQUIRE_NODE").is_some();

    let mut trials = Vec::new();
    if required {
        trials.push(Trial::test("node_is_installed", move || {
            node.map_err(|reason| {
                format!("Node is required (REQUIRE_NODE is set): {reason}").into()
            })
        }));
    }
    for lesson in lessons() {
        trials.push(in_node(&lesson, node, required));
        trials.extend(by_hand(&lesson));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The lesson in Rust against its program in Node.
fn in_node(lesson: &str, node: Result<(), &'static str>, required: bool) -> Trial {
    let name = format!("{lesson}_tells_the_same_story_in_node_and_in_rust");
    let program = lesson_file(lesson, "node.mjs");
    if !program.is_file() {
        return missing(name, lesson, "node.mjs");
    }
    let lesson = lesson.to_owned();
    let trial = Trial::test(name, move || {
        node?;
        let told_in_node = Run::of(Command::new("node").arg(&program).env("MAIN_RUNNER", RUNNER));
        same_story(&Run::start(RUNNER, &[&lesson]), &told_in_node)
    });
    match node {
        Err(reason) if !required => trial.with_kind(reason).with_ignored_flag(true),
        _ => trial,
    }
}

/// The lesson on the `cluster` crate against the lesson on bare system calls; needs no Node, if the lesson does not.
fn by_hand(lesson: &str) -> Option<Trial> {
    let name = format!("{lesson}_tells_the_same_story_by_hand");
    if !lesson_file(lesson, "src/by_hand.rs").is_file() {
        let claimed = is_on_the_page(lesson, "src/by_hand.rs");
        return claimed.then(|| missing(name, lesson, "src/by_hand.rs"));
    }
    let lesson = lesson.to_owned();
    let ignored = !runs_here(&lesson);
    let trial = Trial::test(name, move || {
        let told_by_hand = Run::start(RUNNER, &[&lesson, "--by-hand"]);
        same_story(&Run::start(RUNNER, &[&lesson]), &told_by_hand)
    });
    Some(trial.with_ignored_flag(ignored))
}

/// A lesson may do without a telling, unless its page shows it.
fn missing(name: String, lesson: &str, file: &str) -> Trial {
    let path = format!("examples/{lesson}/{file}");
    let claimed = is_on_the_page(lesson, file);
    let kind = format!("no {path}");
    let failure = format!("lessons/{lesson}.md shows {path}, which does not exist");
    Trial::test(name, move || Err(Failed::from(failure)))
        .with_kind(kind)
        .with_ignored_flag(!claimed)
}

fn is_on_the_page(lesson: &str, file: &str) -> bool {
    page(lesson).contains(&format!("examples/{lesson}/{file}"))
}

fn same_story(one: &Run, other: &Run) -> Result<(), Failed> {
    let (one, other) = (told(one)?, told(other)?);
    if one == other { Ok(()) } else { Err(between_rulers(&one, &other).into()) }
}

/// What a run told, one story for each worker.
fn told(run: &Run) -> Result<String, Failed> {
    let output = run.finish(IN_TIME);
    run.assert_nothing_left(Duration::from_secs(1));
    if !output.status.success() {
        return Err(format!("{output:#?}").into());
    }
    let stories = story::by_worker(&story::sentences(&output.stdout));
    let stories = stories.values().map(|story| story.join("\n"));
    Ok(stories.collect::<Vec<_>>().join("\n\n"))
}
