//! Workers that are asked to leave, and end otherwise: every telling of a lesson says so, in the
//! same words, and fails.

mod support;
#[path = "support/times.rs"]
mod times;
#[path = "support/trials.rs"]
#[allow(dead_code)] // where Node is missing, only a part of each trial is
mod trials;

#[path = "../main-runner/src/compare/story.rs"]
#[allow(dead_code)] // `compare` uses the rest
mod story;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Trial};
use support::{IN_TIME, Run, SOON, between_rulers, lesson_file, node_is_here, root, runs_here};
use trials::trial;

const RUNNER: &str = env!("CARGO_BIN_EXE_main-runner");

/// What is made of an end that nobody asked for, and how it is told.
const OTHERWISE: [(&str, &str); 2] = [
    ("7", "exits 7, after it was asked to leave"),
    ("0", "killed by SIGKILL, after it was asked to leave"),
];

/// Lessons that tell how their workers leave.
const TELL: [&str; 7] =
    ["fork", "online", "ipc", "scheduling", "http-server", "polyglot", "shutdown"];

/// Lessons that do not, unless something is wrong.
const DO_NOT_TELL: [&str; 3] = ["cpus", "load-test", "threads"];

fn main() -> ExitCode {
    let missing = compiled().as_ref().err();
    let trials = TELL.into_iter().map(|lesson| (lesson, true));
    let trials = trials.chain(DO_NOT_TELL.into_iter().map(|lesson| (lesson, false)));
    let trials = trials.map(|(lesson, tells)| {
        let name = format!("{}_fails_when_workers_leave_otherwise", lesson.replace('-', "_"));
        let trial = trial(name, move || fails(lesson, tells));
        let trial = trial.with_ignored_flag(missing.is_some() || !runs_here(lesson));
        if missing.is_some() { trial.with_kind("needs rustc, and ld.so(8)") } else { trial }
    });
    let trials: Vec<Trial> = trials.collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn fails(lesson: &str, tells: bool) {
    for (code, expected) in OTHERWISE {
        let mut first: Option<String> = None;
        for (telling, command) in tellings(lesson) {
            let told = told(telling, command, code);
            if !tells {
                continue;
            }
            assert!(told.contains(expected), "{telling}:\n{}", between_rulers(expected, &told));
            assert!(!told.contains(", as asked"), "{telling}:\n{told}");
            let first = first.get_or_insert_with(|| told.clone());
            assert!(*first == told, "{telling}\n{}", between_rulers(first, &told));
        }
    }
}

/// In Rust, by hand and in Node, as far as the lesson has them.
fn tellings(lesson: &str) -> Vec<(&'static str, Command)> {
    let mut rust = Command::new(RUNNER);
    rust.arg(lesson);
    let mut tellings = vec![("in Rust", rust)];
    if lesson_file(lesson, "src/by_hand.rs").is_file() {
        let mut by_hand = Command::new(RUNNER);
        by_hand.args([lesson, "--by-hand"]);
        tellings.push(("by hand", by_hand));
    }
    let program = lesson_file(lesson, "node.mjs");
    if program.is_file() && node_is_here().is_ok() {
        let mut node = Command::new("node");
        node.arg(program).env("MAIN_RUNNER", RUNNER);
        tellings.push(("in Node", node));
    }
    tellings
}

/// What it tells, one story for each worker, before it fails.
fn told(telling: &str, mut command: Command, code: &str) -> String {
    let library = compiled().as_ref().expect("else it is ignored");
    let run = Run::of(command.env("LD_PRELOAD", library).env("OTHERWISE", code));
    let output = run.finish(3 * IN_TIME);
    run.assert_nothing_left(SOON);
    assert_eq!(output.status.code(), Some(1), "{telling}: {output:#?}");
    let stories = story::by_worker(&story::sentences(&output.stdout));
    let stories = stories.values().map(|story| story.join("\n"));
    stories.collect::<Vec<_>>().join("\n\n")
}

/// The library that is preloaded.
fn compiled() -> &'static Result<PathBuf, ()> {
    static COMPILED: OnceLock<Result<PathBuf, ()>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libotherwise.so");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut rustc = Command::new(rustc);
        rustc.args(["--edition=2024", "--crate-type=cdylib", "-Cpanic=abort", "-o"]);
        let status = rustc.arg(&library).arg(root().join("tests/ends/otherwise.rs")).status();
        if status.is_ok_and(|it| it.success()) { Ok(library) } else { Err(()) }
    })
}
