//! How a sentence is read: who does what to whom.

use super::Choice;
use super::diagram::Step;
use crate::sentence::Sentence;
use crate::text::harmless;

/// Ways to say that a worker is no more.
pub(super) const ENDS: [&str; 4] = ["exits ", "killed by ", "is gone", "is disconnected"];

/// Words that make no sense when the name behind them is taken away.
const BEFORE_A_NAME: [&str; 8] = ["to", "of", "for", "with", "from", "in", "on", "the"];

/// The steps that the chosen sentences tell. The others say who lives.
pub(super) fn steps(sentences: &[Sentence], choice: &Choice) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut living: Vec<String> = Vec::new();
    for sentence in sentences {
        let read = read(sentence, &living);
        match read.first() {
            Some(Step::Arrow { from, ends: true, .. }) => living.retain(|it| it != from),
            Some(step) => {
                for name in step.actors() {
                    if is_worker(name) && !living.contains(name) {
                        living.push(name.clone());
                    }
                }
            }
            None => {}
        }
        if choice.takes(sentence) {
            steps.extend(read);
        }
    }
    steps
}

fn read(sentence: &Sentence, living: &[String]) -> Vec<Step> {
    let (actor, deed) = (harmless(&sentence.actor), deed(sentence));
    match (&sentence.to, whom(&actor, &deed)) {
        (Some(to), _) => vec![arrow(&actor, &harmless(to), &deed)],
        (_, Some(("everybody", at))) => {
            let text = without(&deed, "everybody", at);
            living.iter().map(|to| arrow(&actor, to, &text)).collect()
        }
        (_, Some((name, at))) => vec![arrow(&actor, name, &without(&deed, name, at))],
        (_, None) if is_worker(&actor) => {
            let ends = ENDS.iter().any(|way| deed.starts_with(way));
            vec![Step::Arrow { from: actor, to: "primary".into(), text: deed, ends }]
        }
        (_, None) => vec![Step::Note { over: vec![actor], text: deed }],
    }
}

/// Verb and object, without the bar of a chart behind them. A comma sets apart what stands in columns.
pub(super) fn deed(sentence: &Sentence) -> String {
    let text = harmless(&format!("{} {}", sentence.verb, sentence.object));
    let text = text.trim().trim_end_matches('#').trim_end();
    let columns = text.split("   ").map(str::trim).filter(|column| !column.is_empty());
    let text = columns.collect::<Vec<_>>().join(", ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn is_worker(name: &str) -> bool {
    name.strip_prefix("worker ").is_some_and(|number| number.parse::<u32>().is_ok())
}

fn arrow(from: &str, to: &str, text: &str) -> Step {
    Step::Arrow { from: from.into(), to: to.into(), text: text.into(), ends: false }
}

/// The first other actor that the deed names, and where.
fn whom<'a>(actor: &str, deed: &'a str) -> Option<(&'a str, usize)> {
    let starts = deed.char_indices().filter(|(at, _)| {
        deed[..*at].chars().next_back().is_none_or(|before| !before.is_alphanumeric())
    });
    let mut names = starts.filter_map(|(at, _)| Some((name(&deed[at..])?, at)));
    names.find(|(name, _)| *name != actor)
}

/// The actor's name that the text begins with.
fn name(text: &str) -> Option<&str> {
    let kind = ["worker", "visitor", "primary", "everybody"]
        .into_iter()
        .find(|kind| text.starts_with(kind))?;
    let number = text[kind.len()..].strip_prefix(' ').unwrap_or_default();
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    let length = if digits > 0 { kind.len() + 1 + digits } else { kind.len() };
    // `workers`, `the visitor's connection` and a `worker` without a number are something else.
    let ends = !text[length..].starts_with(|c: char| c.is_alphanumeric() || c == '\'');
    (ends && (kind != "worker" || digits > 0)).then(|| &text[..length])
}

/// The deed without the name of whom it is done to, unless it is needed.
fn without(deed: &str, name: &str, at: usize) -> String {
    let mut before = deed[..at].trim_end();
    let follows_the_verb = !before.contains(' ');
    let mut is_needed = !follows_the_verb;
    while let Some((shorter, word)) = before.rsplit_once(' ')
        && BEFORE_A_NAME.contains(&word)
    {
        (before, is_needed) = (shorter, false);
    }
    match deed[at + name.len()..].trim_end() {
        _ if is_needed => deed.to_owned(),
        "" => before.trim_end_matches([',', ':']).to_owned(),
        rest => format!("{before}{rest}").trim().to_owned(),
    }
}
