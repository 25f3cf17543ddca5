//! The pages of the course say what is true: order, terms, and every command. Blocks, links, sums
//! and sizes are checked with those of all pages (`pages.rs`).

mod support;

use support::{IN_TIME, Run, lessons, page, runs_here, typed};

const RUNNER: &str = env!("CARGO_BIN_EXE_main-runner");

/// The rows below this heading of a table, each cut into its cells.
fn rows<'a>(page: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let lines = page.lines().skip_while(|line| *line != heading).skip(2);
    let inside = |line: &'a str| line.strip_prefix("| ")?.strip_suffix(" |");
    let rows: Vec<_> =
        lines.map_while(inside).map(|row| row.split(" | ").collect::<Vec<_>>()).collect();
    assert!(!rows.is_empty(), "no table with {heading}");
    rows
}

/// What stands between the first two backquotes.
fn code(cell: &str) -> &str {
    cell.split('`').nth(1).unwrap_or_else(|| panic!("{cell} holds no command"))
}

fn run(words: &str) {
    let output = typed(RUNNER, words).finish(IN_TIME);
    assert!(output.status.success(), "{words}: {output:#?}");
}

#[test]
fn what_a_lesson_stands_on_comes_before_it() {
    let course = page("README");
    let order = rows(&course, "| lesson | question | minutes |");
    let at = |name: &str| {
        let lesson = order.iter().position(|row| row[0] == format!("[{name}]"));
        lesson.unwrap_or_else(|| panic!("there is no lesson {name}"))
    };
    for row in rows(&course, "| lesson | stands on | because |") {
        for (later, earlier) in
            row[0].split(", ").flat_map(|it| row[1].split(", ").map(move |on| (it, on)))
        {
            assert!(at(earlier) < at(later), "{later} stands on {earlier}");
        }
    }
}

#[test]
fn the_terms_are_in_order_and_each_leads_to_a_lesson() {
    let glossary = page("glossary");
    let entries: Vec<&str> =
        glossary.split("\n\n").filter(|entry| entry.starts_with("**")).collect();
    assert!(entries.len() > 30, "{} terms", entries.len());
    let terms: Vec<String> = entries
        .iter()
        .filter_map(|entry| entry.trim_start_matches('*').split("**").next())
        .map(str::to_lowercase)
        .collect();
    assert!(terms.is_sorted(), "{terms:#?}");
    for entry in entries {
        let links = lessons().iter().any(|lesson| entry.contains(&format!("({lesson}.md)")));
        assert!(links, "no lesson shows:\n{entry}");
    }
}

#[test]
fn every_mistake_in_the_table_can_be_made() {
    for row in rows(&page("teacher"), "| type | to see |") {
        let words = code(row[0]);
        let needs_node = words.starts_with("node ");
        if !needs_node || runs_here("polyglot") {
            run(words);
        }
    }
}

#[test]
fn every_command_of_the_course_exists() {
    for row in rows(&page("README"), "| type | and get |") {
        let words = code(row[0]).replace(" FILE", "=/dev/null");
        let first = words.split(' ').next().unwrap_or_default();
        let is_lesson = lessons().iter().any(|lesson| lesson == first);
        if !is_lesson && first != "read" {
            run(&format!("help {first}")); // what it does takes long, or needs Node
        } else if words.ends_with("--slow") {
            run(&format!("{words}=1ms"));
        } else {
            run(&words); // nobody is there to press Enter: --step does not wait
        }
    }
    run("read course");
}

#[test]
fn the_course_names_every_tool_of_the_runner() {
    let course = page("README");
    let commands = rows(&course, "| type | and get |");
    let help = Run::start(RUNNER, &["--help"]).finish(IN_TIME).stdout;
    let listed = help.lines().skip_while(|line| *line != "Lessons and tools:").skip(1);
    let names = listed.map_while(|line| line.split_whitespace().next());
    for tool in names.filter(|name| *name != "help" && !lessons().iter().any(|it| it == name)) {
        let named = commands.iter().any(|row| code(row[0]).split(' ').next() == Some(tool));
        assert!(named, "lessons/README.md does not tell what `{tool}` does");
    }
}
