//! The pages say what is true: every block of code equals its source, every console block is what
//! the command prints, every picture is what the run draws.
//!
//! `UPDATE=1` rewrites what is not, `PAGES_RUNS=n` runs what has no order n times,
//! `PAGES_VARYING=1` lists what may differ.

mod fences;
#[path = "fences/merge_tests.rs"]
mod merge_tests;
#[path = "fences/rot_tests.rs"]
mod rot_tests;
#[path = "../main-runner/src/compare/story.rs"]
// `compare` uses the rest.
#[allow(dead_code)]
mod story;
mod support;
#[path = "fences/varying_tests.rs"]
mod varying_tests;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use fences::varying::{LIST, pieces};
use fences::{Page, Wrong, captured, links, mutate, pages, source, tables, text_of, with_block};
use support::{lessons, root};

/// So many characters are changed in each block.
const MUTANTS: usize = 12;

/// Fails with all that is wrong, or with `UPDATE=1` puts it right.
fn settle(wrong: Vec<(&Page, usize, Wrong)>) {
    let mut left = Vec::new();
    for (page, at, Wrong { line, why, fresh }) in wrong {
        match fresh.filter(|_| is_updating()) {
            Some(fresh) => rewrite(&page.file, at, &fresh),
            None => left.push(format!("{}:{line}: {why}", page.file)),
        }
    }
    assert!(left.is_empty(), "\n{}\n", left.join("\n\n"));
}

fn is_updating() -> bool {
    std::env::var_os("UPDATE").is_some()
}

fn rewrite(file: &str, at: usize, content: &str) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let text = with_block(&text_of(file), at, content);
    fs::write(root().join(file), text).expect("the page can be written");
}

#[test]
fn every_block_of_code_equals_the_place_in_the_source_that_it_names() {
    let pages = pages();
    let blocks =
        pages.iter().flat_map(|page| page.fences.iter().enumerate().map(move |it| (page, it)));
    let wrong = blocks.filter_map(|(page, (at, fence))| Some((page, at, source::check(fence)?)));
    settle(wrong.collect());
}

#[test]
fn every_console_block_and_every_picture_is_what_the_command_prints() {
    let wrong = |it: &'static captured::Captured| Some((&it.page, it.at, it.check()?));
    settle(captured::all().iter().filter_map(wrong).collect());
}

#[test]
fn every_block_is_checked_or_listed_with_its_reason() {
    let listed = listed(include_str!("unchecked.txt"));
    assert_eq!(unchecked(&pages()), listed, "unchecked, and tests/unchecked.txt");
}

/// How many blocks of each page no test looks at.
fn unchecked(pages: &[Page]) -> BTreeMap<String, usize> {
    let free = |page: &Page| page.fences.iter().filter(|fence| !fence.is_checked()).count();
    let pages = pages.iter().map(|page| (page.file.clone(), free(page)));
    pages.filter(|(_, free)| *free > 0).collect()
}

fn listed(text: &str) -> BTreeMap<String, usize> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let listed = lines.map(|line| {
        let mut words = line.splitn(3, ' ');
        let page = words.next().unwrap_or_default().to_owned();
        let count = words.next().and_then(|count| count.parse().ok()).unwrap_or_default();
        assert!(words.next().is_some_and(|reason| reason.len() > 10), "a reason for {page}");
        (page, count)
    });
    listed.collect()
}

#[test]
fn one_other_character_anywhere_is_noticed() {
    let mut unnoticed = Vec::new();
    let mut look = |page: &Page, mutant: mutate::Mutant, wrong: Option<Wrong>| {
        if wrong.is_none() {
            unnoticed.push(format!("{}:{}: {}", page.file, mutant.line, mutant.what));
        }
    };
    for page in pages() {
        for fence in page.fences.iter().filter(|fence| fence.source().is_some()) {
            for mutant in mutate::mutants(fence, MUTANTS) {
                let wrong = source::check(&mutant.fence);
                look(&page, mutant, wrong);
            }
        }
    }
    for block in captured::all() {
        for mutant in mutate::mutants(block.fence(), MUTANTS) {
            let wrong = captured::compare(&mutant.fence, &block.runs[0]);
            look(&block.page, mutant, wrong);
        }
    }
    assert!(unnoticed.is_empty(), "changed, and nobody noticed:\n{}", unnoticed.join("\n"));
}

#[test]
fn no_page_is_wider_than_80_columns_or_longer_than_200_lines() {
    let wrong: Vec<String> =
        pages().iter().flat_map(|page| sizes(&page.file, &text_of(&page.file))).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is too long, or too wide.
fn sizes(file: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let lines = text.lines().count();
    if lines >= 200 {
        wrong.push(format!("{file}:200: has {lines} lines, expected at most 199"));
    }
    for (number, line) in (1..).zip(text.lines()) {
        let width = line.chars().count();
        if width > 80 {
            wrong.push(format!(
                "{file}:{number}: is {width} columns wide, expected at most 80: {line}"
            ));
        }
    }
    wrong
}

#[test]
fn every_link_leads_somewhere() {
    let files = links::files();
    assert!(files.len() > lessons().len(), "{files:?}");
    let wrong: Vec<String> =
        files.iter().flat_map(|file| links::check(file, &text_of(file))).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_table_of_lessons_says_what_the_runner_says() {
    let lessons = tables::lessons();
    let check = |file: &String| {
        let lists_all = matches!(file.as_str(), "README.md" | "lessons/README.md");
        tables::check(file, &text_of(file), &lessons, lists_all)
    };
    let wrong: Vec<String> = links::files().iter().flat_map(check).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_may_vary_is_listed_on_request() {
    if std::env::var_os("PAGES_VARYING").is_none() {
        return;
    }
    let mut list = format!("{LIST}\n\n");
    for block in captured::all() {
        let fence = block.fence();
        let Ok(mode) = captured::mode(fence) else { continue };
        for (number, line) in (fence.line..).zip(fence.text.lines()) {
            let in_margin = line.starts_with(story::MARGIN);
            let pieces = pieces(line, mode, in_margin).into_iter().map(|piece| &line[piece]);
            let pieces: Vec<&str> =
                pieces.filter(|it| it.chars().any(char::is_alphanumeric)).collect();
            if !pieces.is_empty() && !line.starts_with("$ ") {
                list.push_str(&format!("{}:{number}: {}\n", block.page.file, pieces.join(" | ")));
            }
        }
    }
    std::io::stderr().write_all(list.as_bytes()).expect("somebody asked for it");
}
