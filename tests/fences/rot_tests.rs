//! Copies of pages that rot, each in one way: the check must say where, what was expected, and what
//! it found.

use crate::fences::{Page, Wrong, captured, links, source, tables, text_of};
use crate::{is_updating, listed, sizes, unchecked};

const IPC: &str = "lessons/ipc.md";

/// The page with one other text, which it must have.
fn rotten(file: &str, good: &str, bad: &str) -> (Page, usize) {
    let text = text_of(file);
    assert!(text.contains(good), "{file} has no {good:?}");
    let line = text[..text.find(good).unwrap_or_default()].matches('\n').count() + 1;
    (Page::read(file, &text.replacen(good, bad, 1)), line)
}

/// Asserts that one block is wrong, in this line, and that all this is said. While pages are
/// rewritten, other blocks may be wrong, too.
fn caught(wrong: Option<Wrong>, line: usize, said: &[&str]) {
    if is_updating() {
        return;
    }
    let wrong = wrong.expect("it is caught");
    assert_eq!(wrong.line, line, "{}", wrong.why);
    assert!(said.iter().all(|it| wrong.why.contains(it)), "{said:?} in: {}", wrong.why);
}

fn of_code(page: &Page) -> Option<Wrong> {
    page.fences.iter().find_map(source::check)
}

/// Compares with what was captured of the good page.
fn of_runs(page: &Page) -> Option<Wrong> {
    let blocks = captured::all().iter().filter(|block| block.page.file == page.file);
    let mut all = blocks.map(|block| captured::compare(&page.fences[block.at], &block.runs[0]));
    all.find_map(|wrong| wrong)
}

#[test]
fn another_character_in_code_is_caught() {
    let (page, line) = rotten(IPC, "questions.push(", "questions.pusch(");
    caught(of_code(&page), line, &["questions.pusch(", "questions.push("]);
}

#[test]
fn a_stale_anchor_is_caught() {
    let (page, line) = rotten(IPC, "lib.rs#talk", "lib.rs#tlak");
    caught(of_code(&page), line + 1, &["examples/ipc/src/lib.rs has no anchor tlak"]);
}

#[test]
fn another_character_in_a_console_is_caught() {
    let (page, line) = rotten(IPC, "counts 1048576 letters", "counts 1048577 letters");
    caught(of_runs(&page), line, &["1048577 letters", "1048576 letters"]);
}

#[test]
fn another_character_in_the_margin_is_caught() {
    let (page, line) = rotten("lessons/scheduling.md", "| served by", "| serves by");
    caught(of_runs(&page), line, &["| serves by", "| served by"]);
}

#[test]
fn an_order_that_cannot_be_is_caught() {
    let (one, two) = ("worker 1  answers question 1: 42", "worker 1  answers question 2: 4");
    let (good, bad) = (format!("{two}\n{one}"), format!("{one}\n{two}"));
    let (page, line) = rotten(IPC, &good, &bad);
    caught(of_runs(&page), line, &[&good, &bad]);
}

#[test]
fn another_character_in_a_picture_is_caught() {
    let (page, line) =
        rotten(IPC, "    primary->>worker 1: tells: hi", "    primary->>worker 2: tells: hi");
    caught(
        of_runs(&page),
        line,
        &["primary->>worker 2: tells: hi", "primary->>worker 1: tells: hi"],
    );
}

#[test]
fn another_exit_status_is_caught() {
    let (page, _) = rotten("lessons/fork.md", "```console\n", "```console status=3\n");
    let fence = page.fences.iter().find(|it| it.info == "console status=3").expect("it is there");
    let wrong = captured::compare(fence, &captured::run_once(fence));
    caught(wrong, fence.line, &["expected exit status 3", "found exit status: 0"]);
}

#[test]
fn dead_links_and_dead_anchors_are_caught() {
    let text = "## What, now?\n[a](#what-now) [b](ipc.md#by-hand) [c](https://nodejs.org)\n";
    assert_eq!(links::check("lessons/x.md", text), [""; 0]);
    for (link, expected) in [
        ("[a](frok.md)", "lessons/x.md:2: expected the file lessons/frok.md, found none"),
        ("[a](../examples/ipc/nod.mjs)", "lessons/x.md:2: expected the file"),
        ("[a](#by-foot)", "lessons/x.md:2: expected one of #what-now, found #by-foot"),
        ("[a](ipc.md#by-foot)", "#by-hand"),
        ("[a][b]", "lessons/x.md:2: expected a definition of [b], found none"),
        ("[a](http://nodejs.org)", "expected https://host/..., found http://nodejs.org"),
        ("[a](https://nodejs)", "found https://nodejs"),
        ("<a href=\"frok.md\">a</a>", "expected the file lessons/frok.md"),
    ] {
        let wrong = links::check("lessons/x.md", &format!("## What, now?\n{link}\n"));
        assert!(wrong.len() == 1 && wrong[0].contains(expected), "{link}: {wrong:?}");
    }
}

/// A table of all lessons as a page has it.
fn table(lessons: &[tables::Lesson]) -> String {
    let rows = lessons.iter().map(|tables::Lesson { name, question, minutes }| {
        format!("| [{name}]({name}.md) | {question} | {minutes} |\n")
    });
    let sum: u32 = lessons.iter().map(|lesson| lesson.minutes).sum();
    let head =
        format!("In all: {sum} minutes.\n\n| lesson | question | minutes |\n|---|---|---|\n");
    head + &rows.collect::<String>()
}

#[test]
fn wrong_tables_are_caught() {
    let lessons = tables::lessons();
    let check = |text: &str| tables::check("lessons/README.md", text, &lessons, true);
    let good = table(&lessons);
    assert_eq!(check(&good), [""; 0]);
    let question = good.replace("Who gets the next", "Who gets the first");
    let wrong = check(&question);
    assert!(
        wrong.len() == 1 && wrong[0].contains("README.md:10: expected \"Who gets the next"),
        "{wrong:?}"
    );
    let mut shorter = lessons.clone();
    shorter[2].minutes += 1;
    let wrong = check(&table(&shorter));
    assert!(wrong.len() == 1 && wrong[0].contains("README.md:7: expected"), "{wrong:?}");
    let wrong = check(&good.replace("In all: ", "In all: 1"));
    assert!(wrong.len() == 1 && wrong[0].contains("minutes in all, found 1"), "{wrong:?}");
    let plan =
        "## 45 minutes: a plan\n| what | minutes |\n|---|---|\n| Opening | 5 |\n| Break | 10 |\n";
    let wrong = tables::check("lessons/teacher.md", plan, &lessons, false);
    assert_eq!(wrong, ["lessons/teacher.md:4: expected 15 minutes in all, found 45"]);
    let mut other_order = lessons.clone();
    other_order.swap(0, 1);
    assert!(check(&table(&other_order))[0].contains("expected a table of [\"cpus\", \"fork\""));
}

#[test]
fn a_block_that_nobody_checks_must_be_listed() {
    let (page, _) = rotten(IPC, "```console\n", "```text\n");
    let found = unchecked(&[page]);
    assert_eq!(found, listed("# reasons\nlessons/ipc.md 1 nobody knows how to run it"));
    assert_ne!(found, listed("# reasons"));
}

#[test]
fn a_page_that_is_too_long_or_too_wide_is_caught() {
    let long = sizes(IPC, &"line\n".repeat(200));
    assert_eq!(long, ["lessons/ipc.md:200: has 200 lines, expected at most 199"]);
    let wide = sizes(IPC, &format!("a\n{}", "x".repeat(81)));
    assert!(
        wide.len() == 1 && wide[0].starts_with("lessons/ipc.md:2: is 81 columns wide"),
        "{wide:?}"
    );
}
