//! The exercises through the runner, and what the pages say about them.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};

use crate::support::{self, assert_fits_80_columns, lessons};
use crate::tools::with_tool;
use crate::{runner, start, stdout};

/// A tool that compiles first takes longer than a lesson.
const COMPILED: Duration = Duration::from_secs(300);

#[test]
fn check_tells_in_words_whether_an_exercise_is_solved_and_what_to_type_next() {
    let file = support::lesson_file("fork", "exercises/counter/exercise.rs");
    let begun = !fs::read_to_string(file).expect("it is there").contains("todo!(");
    let output = start("check fork counter").finish(COMPILED);
    if begun {
        // Somebody is at work on it: whatever comes of it, it is said.
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:#?}");
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{output:#?}");
    for part in [
        "counter is not written yet",
        "examples/fork/exercises/counter/exercise.rs:",
        "type: cargo run -p main-runner -- hint fork counter",
    ] {
        assert!(output.stdout.contains(part), "no {part:?} in {output:#?}");
    }
    assert_fits_80_columns("check", &output.stdout);
}

/// The runner, for which this script is cargo.
fn with_cargo(test: &str, script: &str, words: &str) -> assert_cmd::assert::Assert {
    with_tool("cargo", test, script, |folder| {
        runner(words).env("CARGO", folder.join("cargo")).env("FOLDER", folder).assert()
    })
}

#[test]
fn when_all_exercises_are_solved_the_next_lesson_is_named() {
    // Cargo names a program that finds every exercise solved.
    let script = r#"
printf '#!/bin/sh\necho "$2 is solved"\n' > "$FOLDER/judge"
chmod +x "$FOLDER/judge"
echo '{"reason":"compiler-artifact","target":{"name":"fork","kind":["lib"]},"executable":null}'
printf '{"target":{"name":"exercises","kind":["test"]},"executable":"%s/judge"}\n' "$FOLDER"
"#;
    let solved: String =
        exercises("fork").iter().map(|exercise| format!("{exercise} is solved\n")).collect();
    with_cargo("solved", script, "check fork")
        .success()
        .stdout(format!("{solved}\nnext, type: cargo run -p main-runner -- online\n"));
}

#[test]
fn what_does_not_compile_is_said_after_the_compiler_and_exits_1() {
    with_cargo("broken", "echo 'error: expected `;`' >&2; exit 101", "check fork counter")
        .code(1)
        .stdout(is_empty())
        .stderr(starts_with("error: expected `;`\n"))
        .stderr(contains("error: the exercises of `fork` do not compile yet\nhelp: "));
}

#[test]
fn an_exercise_that_does_not_compile_is_named_also_where_another_was_asked_for() {
    // Cargo tells a person, or a program.
    let script = r#"
case "$*" in
*--message-format=json) echo '{"message":{"level":"error","spans":[{"is_primary":true,
"file_name":"examples/fork/exercises/counter/exercise.rs","line_start":15}]}}' | tr -d '\n' ;;
*) echo 'error: expected `;`' >&2 ;;
esac
exit 101"#;
    for (words, advice) in [
        ("check fork", "stuck? type: cargo run -p main-runner -- hint fork counter\n"),
        ("check fork counter", "stuck? type: cargo run -p main-runner -- hint fork counter\n"),
        ("check fork one", "mend first: examples/fork/exercises/counter/exercise.rs:15\n"),
    ] {
        let said = "error: `counter` does not compile yet and blocks the rest of `fork`\nhelp: ";
        with_cargo("in-the-way", script, words)
            .code(1)
            .stdout(is_empty())
            .stderr(format!("error: expected `;`\n{said}{advice}"));
    }
}

#[test]
fn without_cargo_check_says_so_and_what_to_do() {
    runner("check fork")
        .env("CARGO", "/no/such/cargo")
        .assert()
        .code(1)
        .stdout(is_empty())
        .stderr(contains("cargo does not start"))
        .stderr(predicate::function(|text: &str| text.lines().count() == 2));
}

#[test]
fn hints_come_one_at_a_time_and_each_names_the_next() {
    for lesson in lessons() {
        for exercise in exercises(&lesson) {
            let mut words = format!("hint {lesson} {exercise}");
            for number in 1.. {
                let hint = stdout(&words);
                assert!(hint.contains(&format!("{exercise}: hint {number} of ")), "{hint}");
                assert_fits_80_columns(&words, &hint);
                let next = hint.lines().last().and_then(|line| line.split(" -- ").nth(1));
                words = next.expect("the last line names a command").to_owned();
                if words == format!("check {lesson} {exercise}") {
                    assert!(number > 1, "{exercise} has but one hint");
                    break;
                }
            }
        }
    }
}

#[test]
fn the_first_exercise_is_the_one_that_a_hint_is_for() {
    for (short, long) in [("hint fork", "1"), ("hint fork 2", "2")] {
        let first = &exercises("fork")[0];
        assert_eq!(stdout(short), stdout(&format!("hint fork {first} {long}")));
    }
}

#[test]
fn a_wrong_exercise_or_hint_exits_2_and_says_what_there_is() {
    for (words, advice) in [
        ("check fork cuonter", "type: cargo run -p main-runner -- check fork counter"),
        ("hint fork cuonter", "type: cargo run -p main-runner -- hint fork counter"),
        ("hint fork counter 0", "and no hint 0"),
        ("hint fork counter 99", "and no hint 99"),
    ] {
        runner(words)
            .assert()
            .code(2)
            .stdout(is_empty())
            .stderr(contains(advice))
            .stderr(predicate::function(|text: &str| text.lines().count() == 2));
    }
}

/// What the page lists, in order.
fn exercises(lesson: &str) -> Vec<String> {
    let page = support::page(lesson);
    let section = page.split("\n## ").find_map(|text| text.strip_prefix("Exercises\n"));
    let section = section.unwrap_or_else(|| panic!("the page of {lesson} has no exercises"));
    let items = section.lines().filter_map(|line| line.strip_prefix("* `")?.split('`').next());
    items.map(str::to_owned).collect()
}

#[test]
fn every_page_lists_the_exercises_that_are_there_one_to_make_and_one_to_modify() {
    for lesson in lessons() {
        let folder = support::lesson_file(&lesson, "exercises");
        let folders = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{lesson}: {error}"));
        let folders: BTreeSet<String> = folders
            .filter_map(|entry| entry.ok())
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        assert_eq!(folders, exercises(&lesson).into_iter().collect(), "page and folders: {lesson}");

        let page = support::page(&lesson);
        for (mark, first) in [("(make)", "//! Make: "), ("(modify)", "//! Modify: ")] {
            let is_kind = |name: &&String| page.contains(&format!("* `{name}` {mark}: "));
            let kind: Vec<&String> = folders.iter().filter(is_kind).collect();
            assert!(!kind.is_empty(), "{lesson} has no exercise {mark}");
            for name in kind {
                let file = folder.join(name).join("exercise.rs");
                let text = fs::read_to_string(&file).expect("it is there");
                let begun = !text.contains("todo!(");
                assert!(begun || text.starts_with(first), "{} is {mark}", file.display());
            }
        }
    }
}
