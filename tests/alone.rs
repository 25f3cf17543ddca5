//! A lesson alone, as `cargo run -p <lesson>` runs it. A test target of every lesson's package.

mod support;

use std::process::Command;

use support::{IN_TIME, Run, SOON, assert_fits_80_columns, between_rulers};

const LESSON: &str = env!("CARGO_PKG_NAME");
const PROGRAM: &str = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));

/// Who may begin a sentence. Workers and visitors have a number behind their name.
const ACTORS: [&str; 3] = ["primary", "worker", "visitor"];

/// The tellings that this package contains: none but the first takes a flag. Where the machine
/// lacks what the lesson needs (Node), there is none, and the tests that run them have nothing to
/// check.
fn tellings() -> Vec<Vec<&'static str>> {
    if !support::runs_here(LESSON) {
        return Vec::new();
    }
    let mut tellings = vec![vec![]];
    if support::lesson_file(LESSON, "src/by_hand.rs").is_file() {
        tellings.push(vec!["--by-hand"]);
    }
    tellings
}

fn begins_with_an_actor(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next().is_some_and(|word| ACTORS.contains(&word))
}

/// A table indents its lines or sets its columns apart by two spaces and more.
fn is_part_of_a_table(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with(' ') || line.trim().contains("  ")
}

#[test]
fn the_lesson_ends_by_itself_and_leaves_nothing_running() {
    for flags in tellings() {
        let run = Run::start(PROGRAM, &flags);
        let output = run.finish(IN_TIME);
        assert!(output.status.success(), "{LESSON} {flags:?}: {output:#?}");
        assert_eq!(output.stderr, "", "{LESSON} {flags:?} complains");
        run.assert_nothing_left(SOON);
    }
}

#[test]
fn every_line_says_first_who_acts_or_belongs_to_a_table() {
    for flags in tellings() {
        let output = Run::start(PROGRAM, &flags).finish(IN_TIME);
        assert!(!output.stdout.is_empty(), "{LESSON} {flags:?} says nothing");
        for line in output.stdout.lines() {
            assert!(
                begins_with_an_actor(line) || is_part_of_a_table(line),
                "{LESSON} {flags:?}\n{}",
                between_rulers(&format!("one of {ACTORS:?} first, or a table"), line)
            );
        }
        assert_fits_80_columns(LESSON, &output.stdout);
    }
}

#[test]
fn the_story_is_plain_text_in_a_pipe() {
    for flags in tellings() {
        let output = Run::start(PROGRAM, &flags).finish(IN_TIME);
        assert!(!output.stdout.contains('\u{1b}'), "{LESSON} {flags:?}: {:?}", output.stdout);
    }
}

#[test]
fn help_fits_80_columns() {
    let run = Run::of(Command::new(PROGRAM).arg("--help").env("COLUMNS", "200"));
    let output = run.finish(IN_TIME);
    assert!(output.status.success(), "{output:#?}");
    assert_fits_80_columns("--help", &output.stdout);
}

#[test]
fn a_wrong_flag_is_refused_with_exit_code_2() {
    let output = Run::start(PROGRAM, &["--no-such-flag"]).finish(IN_TIME);
    assert_eq!(output.status.code(), Some(2), "{output:#?}");
    assert_eq!(output.stdout, "");
}
