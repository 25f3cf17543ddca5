//! The lessons through the runner, from outside.

mod exercises;
mod support;
mod tools;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};
use support::{IN_TIME, Run, SOON, assert_fits_80_columns, lessons, runs_here};

const RUNNER: &str = env!("CARGO_BIN_EXE_main-runner");

/// Long enough that a lesson is still in the middle of its story when the test acts.
const SLOW: &str = "--slow=5s";

/// Long enough for all tellings of a lesson, on a busy machine.
const AMPLE: Duration = Duration::from_secs(120);

/// The runner with these words, for tests that only look at what it says.
fn runner(words: &str) -> assert_cmd::Command {
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("main-runner");
    command.args(words.split_whitespace()).env("COLUMNS", "200").timeout(IN_TIME);
    command
}

fn stdout(words: &str) -> String {
    let output = runner(words).assert().success().get_output().stdout.clone();
    String::from_utf8(output).expect("output is text")
}

fn start(words: &str) -> Run {
    support::typed(RUNNER, words)
}

/// The lessons that this machine has all for.
fn runnable() -> Vec<String> {
    lessons().into_iter().filter(|lesson| runs_here(lesson)).collect()
}

/// The names in the table, in its order.
fn table() -> Vec<String> {
    let first_word = |line: &str| line.split_whitespace().next().map(str::to_owned);
    stdout("").lines().map_while(first_word).collect()
}

// The table and the names.

#[test]
fn without_a_lesson_the_table_and_the_next_command_are_shown() {
    let shown = stdout("");
    for lesson in lessons() {
        let page = support::page(&lesson);
        let question = page.lines().find_map(|line| line.strip_prefix("question: "));
        let question = question.expect("a page asks a question").trim_matches('"');
        let row = shown.lines().find(|line| line.starts_with(&format!("{lesson} ")));
        let row = row.unwrap_or_else(|| panic!("no row for {lesson}:\n{shown}"));
        assert!(row.contains(question) && row.contains("minutes"), "{row}");
    }
    assert!(shown.contains("cargo run -p main-runner -- cpus"), "{shown}");
    assert_fits_80_columns("the table", &shown);
}

#[test]
fn a_lesson_has_one_name_for_its_folder_its_page_and_the_runner() {
    let table: BTreeSet<String> = table().into_iter().collect();
    assert_eq!(table, lessons().into_iter().collect(), "table and folders differ");

    let pages = fs::read_dir(support::root().join("lessons")).expect("there are pages");
    let pages: BTreeSet<String> = pages
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .filter(|name| !["README", "teacher", "glossary"].contains(&name.as_str()))
        .collect();
    assert_eq!(table, pages, "table and pages differ");
}

#[test]
fn a_wrong_name_exits_2_and_names_the_nearest_lesson() {
    for words in ["icp", "read icp", "node icp", "compare icp", "check icp", "hint icp", "help icp"]
    {
        let advice = format!("type: cargo run -p main-runner -- {}", words.replace("icp", "ipc"));
        let kind = if words.starts_with("read") { "page" } else { "lesson" };
        let said = format!("error: there is no {kind} `icp`\nhelp: did you mean `ipc`?");
        runner(words)
            .assert()
            .code(2)
            .stdout(is_empty())
            .stderr(starts_with(said))
            .stderr(contains(advice).and(contains("cpus").not()))
            .stderr(predicate::function(|text: &str| text.lines().count() == 2));
    }
}

#[test]
fn a_name_that_is_near_nothing_points_to_the_table() {
    runner("quaternion").assert().code(2).stderr(
        "error: there is no lesson `quaternion`\nhelp: to see all lessons, type: cargo run -p main-runner\n",
    );
}

#[test]
fn the_beginning_of_a_name_an_old_name_and_a_file_name_will_do() {
    let online = stdout("online --help");
    for words in ["onl", "clusterEvent", "online.js", "online.mjs", "clusterEvent.js"] {
        assert_eq!(stdout(&format!("{words} --help")), online, "{words}");
    }
    assert_eq!(stdout("numberOfCpuCores --help"), stdout("cpus --help"));
    assert_eq!(stdout("read clusterEvent.js"), stdout("read online"));
}

#[test]
fn a_wrong_flag_is_refused_with_exit_code_2() {
    runner("ipc --no-such-flag").assert().code(2).stdout(is_empty());
}

#[test]
fn help_fits_80_columns() {
    for words in ["", "all", "read", "node", "compare", "check", "hint", "rehearse", "help"] {
        assert_fits_80_columns(words, &stdout(&format!("{words} --help")));
    }
    for lesson in lessons() {
        assert_fits_80_columns(&lesson, &stdout(&format!("{lesson} --help")));
        assert_eq!(stdout(&format!("help {lesson}")), stdout(&format!("{lesson} --help")));
    }
}

#[test]
fn the_version_is_told() {
    runner("--version").assert().success().stdout(starts_with("main-runner "));
}

// Running lessons.

#[test]
fn every_lesson_runs_by_name_and_leaves_nothing_behind() {
    for lesson in runnable() {
        let run = start(&lesson);
        let output = run.finish(IN_TIME);
        assert!(output.status.success(), "{lesson}: {output:#?}");
        assert!(!output.stdout.is_empty(), "{lesson} says nothing");
        run.assert_nothing_left(SOON);
    }
}

#[test]
fn all_runs_every_lesson_in_the_order_of_the_table() {
    let run = start("all");
    let output = run.finish(IN_TIME * 4);
    if runnable() == lessons() {
        assert!(output.status.success(), "{output:#?}");
    } // else it stops where Node is missing, and says so
    let mut rest = output.stdout.as_str();
    for lesson in table().into_iter().take_while(|lesson| runs_here(lesson)) {
        let heading = format!("{lesson}: ");
        let at = rest.find(&heading).unwrap_or_else(|| panic!("{lesson} is missing: {output:#?}"));
        rest = &rest[at..];
    }
    run.assert_nothing_left(SOON);
}

#[test]
fn ctrl_c_in_the_middle_of_a_lesson_ends_it_by_sigint_with_its_workers() {
    for lesson in runnable() {
        let run = start(&format!("{lesson} {SLOW}"));
        run.wait_for_line("", IN_TIME);
        run.signal_group(Signal::SIGINT);
        let output = run.finish(IN_TIME);
        assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32), "{lesson}: {output:#?}");
        run.assert_nothing_left(SOON);
    }
}

#[test]
fn ctrl_c_in_the_middle_of_all_ends_the_runner_by_sigint_too() {
    let run = start(&format!("all {SLOW}"));
    run.wait_for_lines(2, "", IN_TIME); // the heading, and the first sentence of the lesson
    run.signal_group(Signal::SIGINT);
    let output = run.finish(IN_TIME);
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32), "{output:#?}");
    run.assert_nothing_left(SOON);
}

#[test]
fn when_the_primary_is_killed_its_workers_follow_within_a_second() {
    for lesson in runnable() {
        let run = start(&format!("{lesson} {SLOW}"));
        run.wait_for_line("", IN_TIME);
        run.signal(Signal::SIGKILL);
        let output = run.finish(IN_TIME);
        assert_eq!(output.status.signal(), Some(Signal::SIGKILL as i32), "{lesson}: {output:#?}");
        run.assert_nothing_left(SOON);
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_runner_quietly() {
    let mut commands: Vec<String> = ["", "--help", "read ipc"].map(str::to_owned).into();
    commands.extend(runnable());
    for words in commands {
        let pipeline = format!("\"$RUNNER\" {words} | head -1");
        let run = Run::of(Command::new("sh").args(["-c", &pipeline]).env("RUNNER", RUNNER));
        let output = run.finish(IN_TIME);
        assert_eq!(output.stdout.lines().count(), 1, "{words}: {output:#?}");
        assert_eq!(output.stderr, "", "`{words} | head -1` complains");
        run.assert_nothing_left(SOON);
    }
}

#[test]
fn a_reader_that_was_never_there_ends_the_runner_quietly() {
    let mut commands: Vec<String> =
        ["", "--help", "read ipc", "all", "compare ipc"].map(str::to_owned).into();
    commands.extend(runnable());
    for words in commands {
        let run = Run::without_reader(Command::new(RUNNER).args(words.split_whitespace()));
        let output = run.finish(IN_TIME);
        assert_eq!(output.stderr, "", "`{words}` without a reader complains");
        run.assert_nothing_left(SOON);
    }
}

#[test]
fn predict_makes_a_sheet_of_every_lesson_with_the_answers_at_the_end() {
    for lesson in runnable() {
        let output = start(&format!("{lesson} --predict --seed 4")).finish(IN_TIME);
        assert!(output.status.success(), "{lesson}: {output:#?}");
        let answers = output.stdout.lines().last().unwrap_or_default();
        assert!(answers.starts_with("answers: 1"), "{lesson}: {output:#?}");
        assert!(output.stdout.contains("1. what comes next?"), "{lesson}: {output:#?}");
        assert_fits_80_columns(&lesson, &output.stdout);
    }
}

// The tools.

#[test]
fn every_page_fits_80_columns_and_is_plain_text_in_a_pipe() {
    for lesson in lessons().into_iter().chain(["course", "glossary", "teacher"].map(Into::into)) {
        let page = stdout(&format!("read {lesson}"));
        assert_fits_80_columns(&lesson, &page);
        assert!(!page.contains('\u{1b}'), "escape sequences in a pipe: {lesson}");
        for markup in ["<details>", "<summary>", "```", "**", "](", "minutes:"] {
            assert!(!page.contains(markup), "{lesson}: {markup} is left in\n{page}");
        }
    }
}

// The README.

#[test]
fn the_readme_fits_a_screen_and_lists_the_lessons_in_order() {
    let readme = support::root().join("README.md");
    let readme = fs::read_to_string(readme).expect("there is a README");
    assert!(readme.lines().count() <= 70, "longer than a screen");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| [`")?.split('`').next());
    assert_eq!(rows.collect::<Vec<_>>(), table());
}
