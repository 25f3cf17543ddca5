//! Whether a block agrees with a run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::varying::{Mode, masked};
use crate::story::{MARGIN, Sentence, by_worker, sentence, whole};

/// Whether what the page shows and what the command printed are the same, but for what varies.
pub fn agree(mode: Mode, page: &str, run: &str) -> bool {
    margin(page) == margin(run)
        && match mode {
            Mode::InOrder => lines(mode, page) == lines(mode, run),
            Mode::PerWorker => stories(page) == stories(run),
            Mode::Varies => kinds(page) == kinds(run),
        }
}

/// The first line of the page that the run has nothing like, or has elsewhere.
pub fn first_difference(mode: Mode, page: &str, run: &str) -> usize {
    let keys =
        |text: &str| as_sentences(text).lines().map(|line| key(mode, line)).collect::<Vec<_>>();
    let (page, run) = (keys(page), keys(run));
    let unknown = page.iter().position(|line| !run.contains(line));
    unknown.or_else(|| first_out_of_order(mode, &page, run)).unwrap_or(0)
}

fn first_out_of_order(mode: Mode, page: &[String], run: Vec<String>) -> Option<usize> {
    let story = |line: &str| match mode {
        Mode::PerWorker => by_worker(&[sentence(line)]).into_keys().next().unwrap_or_default(),
        Mode::InOrder | Mode::Varies => String::new(),
    };
    let mut stories: BTreeMap<String, VecDeque<String>> = BTreeMap::new();
    for line in run {
        stories.entry(story(&line)).or_default().push_back(line);
    }
    let mut next = |line: &str| stories.get_mut(&story(line)).and_then(VecDeque::pop_front);
    page.iter().position(|line| next(line).as_ref() != Some(line))
}

/// What a single line is compared by.
pub fn key(mode: Mode, line: &str) -> String {
    masked(line, mode, line.starts_with(MARGIN))
}

/// Which word follows which in the margin. Chance decides how many lines there are, and where they
/// are broken.
fn margin(text: &str) -> BTreeSet<(String, String)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(MARGIN));
    let all = masked(&lines.collect::<Vec<_>>().join(" "), Mode::Varies, true);
    let words: Vec<&str> = all.split(' ').map(|word| word.trim_end_matches(',')).collect();
    words.windows(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect()
}

fn lines(mode: Mode, text: &str) -> Vec<String> {
    let text = as_sentences(text);
    let told = whole(text.lines().filter(|line| !line.starts_with(MARGIN)));
    told.iter().map(|line| masked(line, mode, false)).collect()
}

fn stories(text: &str) -> BTreeMap<String, Vec<String>> {
    let lines = lines(Mode::PerWorker, text);
    let sentences: Vec<Sentence> = lines.iter().map(|line| sentence(line)).collect();
    by_worker(&sentences)
}

/// What each kind of actor does, without repetitions.
fn kinds(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines(Mode::Varies, text) {
        let actor = line.split(' ').next().unwrap_or_default().to_owned();
        let deeds = kinds.entry(actor).or_default();
        if !deeds.contains(&line) {
            deeds.push(line);
        }
    }
    if is_diagram(text) {
        kinds.values_mut().for_each(|deeds| deeds.sort()); // who is first varies, too
    }
    kinds
}

fn is_diagram(text: &str) -> bool {
    text.starts_with("sequenceDiagram")
}

/// A diagram as sentences, for whose story a line belongs to.
fn as_sentences(text: &str) -> String {
    if !is_diagram(text) {
        return text.to_owned();
    }
    let sentence = |line: &str| {
        let (ends, words) = line.split_once(": ")?;
        if let Some(over) = ends.strip_prefix("Note over ") {
            return Some(format!("{over} notes: {words}"));
        }
        let arrow = ["->>", "-x"].into_iter().find(|arrow| ends.contains(arrow))?;
        let (from, to) = ends.split_once(arrow)?;
        Some(format!("{from} {arrow} {to}: {words}"))
    };
    let lines = text.lines().map(|line| sentence(line.trim()).unwrap_or_else(|| line.to_owned()));
    lines.collect::<Vec<_>>().join("\n")
}
