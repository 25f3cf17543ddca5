//! The pages of the course say what is true: tables, sums, terms, and every command.

mod fences;
#[path = "../main-runner/src/compare/story.rs"]
mod story;
mod support;

use fences::{Page, console, source};
use support::{IN_TIME, Run, between_rulers, lessons, page, runs_here, typed};

const RUNNER: &str = env!("CARGO_BIN_EXE_main-runner");

const PAGES: [&str; 3] = ["README", "glossary", "teacher"];

fn front_matter(lesson: &str, key: &str) -> String {
    let page = page(lesson);
    let value = page.lines().find_map(|line| line.strip_prefix(&format!("{key}: ")));
    value.unwrap_or_else(|| panic!("lessons/{lesson}.md has no {key}")).to_owned()
}

fn minutes(lesson: &str) -> u32 {
    front_matter(lesson, "minutes").parse().expect("minutes are a number")
}

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
fn the_course_lists_the_lessons_of_the_runner_with_question_and_minutes() {
    let course = page("README");
    let listed = rows(&course, "| lesson | question | minutes |");
    let names: Vec<&str> = listed.iter().map(|row| row[0].trim_matches(['[', ']'])).collect();
    let table = Run::start(RUNNER, &[]).finish(IN_TIME).stdout;
    let table: Vec<_> = table.lines().map_while(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, table);

    for (name, row) in names.iter().zip(&listed) {
        assert_eq!(row[1], front_matter(name, "question"));
        assert_eq!(row[2], minutes(name).to_string(), "minutes of {name}");
    }
    let all: u32 = names.iter().map(|name| minutes(name)).sum();
    assert!(course.contains(&format!("In all: {all} minutes.")), "they add up to {all}");
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
fn each_plan_takes_as_long_as_its_heading_says() {
    let teacher = page("teacher");
    let plans: Vec<&str> =
        teacher.split("\n## ").filter(|part| part.contains("| what | minutes |")).collect();
    assert_eq!(plans.len(), 3);
    for plan in plans {
        let promised: u32 = plan.split(' ').next().and_then(|it| it.parse().ok()).expect(plan);
        let rows = rows(plan, "| what | minutes |");
        let mut sum = 0;
        for row in rows {
            let taken: u32 = row[1].parse().expect("minutes are a number");
            if let Some((lesson, _)) = row[0].strip_prefix('[').and_then(|it| it.split_once(']')) {
                assert_eq!(taken, minutes(lesson), "{lesson}, in {promised} minutes");
            }
            sum += taken;
        }
        assert_eq!(sum, promised);
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
fn every_console_block_is_what_its_command_prints() {
    let teacher = page("teacher");
    let blocks = Page::read("teacher", &teacher).fences;
    assert!(blocks.iter().all(|fence| fence.is_checked()), "a block that nobody checks");
    for fence in blocks {
        if let Err(why) = source::check(&fence).and(console::check(&fence)) {
            panic!("lessons/teacher.md:{}: {why}", fence.line);
        }
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

#[test]
fn no_page_is_wider_than_80_columns_or_longer_than_200_lines() {
    for name in PAGES {
        let page = page(name);
        assert!(page.lines().count() < 200, "lessons/{name}.md is too long");
        for line in page.lines() {
            assert!(
                line.chars().count() <= 80,
                "lessons/{name}.md\n{}",
                between_rulers("at most 80 columns", line)
            );
        }
    }
}
