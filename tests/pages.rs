//! The pages say what is true: every block of code equals its source, and every console block what the command prints.

mod fences;
#[path = "../main-runner/src/compare/story.rs"]
mod story;
mod support;

use std::collections::BTreeMap;

use fences::{Fence, Page, console, source};
use support::{lessons, page};

fn every_fence(check: impl Fn(&Page, &Fence) -> Result<(), String>) {
    let mut wrong = Vec::new();
    for lesson in lessons() {
        let page = Page::read(&lesson, &page(&lesson));
        for fence in &page.fences {
            if let Err(why) = check(&page, fence) {
                wrong.push(format!("lessons/{lesson}.md:{}: {why}", fence.line));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n\n"));
}

#[test]
fn every_block_of_code_equals_the_place_in_the_source_that_it_names() {
    every_fence(|_, fence| source::check(fence));
}

#[test]
fn every_console_block_is_what_its_command_prints() {
    every_fence(|_, fence| console::check(fence));
}

#[test]
fn every_block_is_checked_or_listed_with_its_reason() {
    let mut unchecked = BTreeMap::new();
    for lesson in lessons() {
        let page = Page::read(&lesson, &page(&lesson));
        let free = page.fences.iter().filter(|fence| !fence.is_checked()).count();
        if free > 0 {
            unchecked.insert(lesson, free);
        }
    }
    let listed: BTreeMap<String, usize> = include_str!("unchecked.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let page = words.next().unwrap_or_default().to_owned();
            let count = words.next().and_then(|count| count.parse().ok()).unwrap_or_default();
            assert!(words.next().is_some_and(|reason| reason.len() > 10), "a reason for {page}");
            (page, count)
        })
        .collect();
    assert_eq!(unchecked, listed, "blocks that nobody checks, and tests/unchecked.txt");
}

#[test]
fn no_page_is_wider_than_80_columns_or_longer_than_200_lines() {
    for lesson in lessons() {
        let page = page(&lesson);
        let lines = page.lines().count();
        assert!(lines < 200, "lessons/{lesson}.md has {lines} lines");
        for (number, line) in (1..).zip(page.lines()) {
            let width = line.chars().count();
            assert!(width <= 80, "lessons/{lesson}.md:{number} is {width} columns wide: {line}");
        }
    }
}

#[test]
fn a_page_that_rots_is_caught_with_line_expected_and_found() {
    let good = page("ipc");
    let caught = |page: String, needle: &str| {
        let page = Page::read("ipc", &page);
        let mut all =
            page.fences.iter().map(|fence| source::check(fence).and(console::check(fence)));
        let error = all.find_map(Result::err).expect("the change is caught");
        assert!(error.contains(needle), "{error}");
    };
    caught(good.replace("questions.push(", "questions.insert("), "questions.insert(");
    caught(
        good.replace("worker 1  counts 1048576 letters", "worker 1  counts 7 letters"),
        "7 letters",
    );
    caught(good.replace("lib.rs#talk", "lib.rs#tlak"), "tlak");
}
