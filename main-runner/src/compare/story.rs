//! Takes the output of a lesson apart into sentences and into one story per worker.
//!
//! This file is also part of `tests/node.rs` and `tests/pages.rs`, so that what `compare` says and
//! what the tests prove is the same; its own tests stand in `story_tests.rs`.

use std::collections::BTreeMap;

/// One line of a lesson's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Who acts; empty for a line of a table.
    pub actor: String,
    /// What the actor does.
    pub deed: String,
}

/// A long sentence goes on in the next line, under its verb: behind ten spaces, no more.
const UNDER_THE_VERB: &str = "          ";

/// In front of a line that chance decides: it belongs to no story.
pub const MARGIN: &str = "  | ";

/// The sentences of an output, in order. What stands in the margin is left out.
pub fn sentences(output: &str) -> Vec<Sentence> {
    let told = output.lines().filter(|line| !line.starts_with(MARGIN));
    let sentences = whole(told).into_iter().map(|line| sentence(&line));
    let without_chance = |it: Sentence| Sentence { deed: without_chance(&it.deed), ..it };
    sentences.map(without_chance).collect()
}

/// The lines, with those put together that are one sentence. Blank ones are left out.
pub fn whole<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let rest = line.strip_prefix(UNDER_THE_VERB).filter(|rest| !rest.starts_with(' '));
        match (rest, sentences.last_mut()) {
            (Some(rest), Some(begun)) if !begun.starts_with(' ') => {
                begun.push(' ');
                begun.push_str(rest);
            }
            _ => sentences.push(line.to_owned()),
        }
    }
    sentences
}

/// Takes a line apart, into who acts and the deed as it was told.
pub fn sentence(line: &str) -> Sentence {
    let (actor, deed) = line.split_at(actor_length(line));
    let deed = deed.split_whitespace().collect::<Vec<_>>().join(" ");
    Sentence { actor: actor.to_owned(), deed }
}

/// The story of each worker: the sentences in which it acts, or is first to be named.
///
/// Workers run side by side, so only the order within one story means something. What names no
/// worker belongs to its actor.
pub fn by_worker(sentences: &[Sentence]) -> BTreeMap<String, Vec<String>> {
    let mut stories: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Sentence { actor, deed } in sentences {
        let line = format!("{actor} {deed}");
        let whose = first_worker(&line).unwrap_or_else(|| actor.clone());
        stories.entry(whose).or_default().push(line.trim().to_owned());
    }
    stories
}

/// How much of the line is its actor: a word, and its number if it has one.
fn actor_length(line: &str) -> usize {
    let word = line.find(' ').unwrap_or(line.len());
    if word == 0 {
        return 0;
    }
    let digits =
        line[word..].strip_prefix(' ').map_or(0, |rest| leading(rest, |c| c.is_ascii_digit()));
    if digits > 0 { word + 1 + digits } else { word }
}

fn first_worker(line: &str) -> Option<String> {
    line.match_indices("worker ").find_map(|(at, word)| {
        let start = at + word.len();
        let digits = leading(&line[start..], |c| c.is_ascii_digit());
        (digits > 0).then(|| line[at..start + digits].to_owned())
    })
}

/// Replaces what differs from run to run: process ids, ports, durations.
fn without_chance(text: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        told.push_str(&rest[..start]);
        let number = leading(&rest[start..], |c| c.is_ascii_digit() || c == '.');
        let (number, mut after) = rest[start..].split_at(number);
        let digits = number.trim_end_matches('.');
        if digits.contains('.') && after.starts_with(" times") {
            told.push_str("<ratio>");
        } else if let Some(without_unit) = duration(after) {
            told.push_str("<time>"); // of 900 ms, a busy machine makes 1.1 seconds
            after = without_unit;
        } else if is_id(&told, digits, after) {
            told.push_str("<id>");
        } else {
            told.push_str(digits);
        }
        told.push_str(&number[digits.len()..]);
        rest = after;
    }
    told + rest
}

/// What stands behind the unit, if the number is a duration.
fn duration(after: &str) -> Option<&str> {
    let unit = after.trim_start();
    let (unit, rest) = unit.split_at(leading(unit, char::is_alphabetic));
    ["seconds", "second", "s", "ms", "us", "µs", "ns"].contains(&unit).then_some(rest)
}

fn is_id(before: &str, digits: &str, after: &str) -> bool {
    let enclosed = (before.ends_with('(') && after.starts_with(')'))
        || (before.ends_with('[') && after.starts_with(']'));
    let announced = ["pid", "process", "port"]
        .iter()
        .any(|word| before.trim_end_matches([' ', '=', ':']).to_lowercase().ends_with(word));
    let of_an_address = before.ends_with(':'); // 127.0.0.1:3000
    !digits.contains('.') && (enclosed || announced || of_an_address)
}

fn leading(text: &str, which: impl Fn(char) -> bool) -> usize {
    text.find(|c| !which(c)).unwrap_or(text.len())
}
