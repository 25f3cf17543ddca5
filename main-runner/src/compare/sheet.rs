//! Lays the tellings out side by side and judges them.

use std::collections::BTreeSet;

use anstyle::Style;

use super::story::Sentence;
use super::tellings::{Story, Telling};
use crate::grid::{self, Tall};
use crate::text::{Text, WIDTH, plain};

/// Whether the tellings agree, in words and as an answer.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// For a person.
    pub lines: Vec<String>,
    /// For the exit code: every telling went well, and they agree.
    pub good: bool,
}

/// One row for each sentence, grouped by actor, with a column for each telling.
pub fn lines(told: &[Telling], width: usize) -> Vec<String> {
    let mut rows = vec![heading(told)];
    let all = distinct(told);
    for actor in actors(&all) {
        for (at, sentence) in all.iter().filter(|sentence| sentence.actor == actor).enumerate() {
            let name = match (at, actor) {
                (0, "") => "table",
                (0, actor) => actor,
                _ => "",
            };
            let marks: Vec<String> = told.iter().map(|telling| mark(telling, sentence)).collect();
            let mut deed = Text::default();
            deed.push(emphasis(&marks), &sentence.deed);
            let row = [plain(name), deed].into_iter();
            rows.push(row.chain(marks.iter().map(|mark| plain(mark))).collect());
        }
    }
    grid::lines(&rows, width, Tall::Hanging)
}

/// What is not in every telling stands out; its marks say so, too.
fn emphasis(marks: &[String]) -> Style {
    let told: Vec<&String> = marks.iter().filter(|mark| !mark.is_empty()).collect();
    if same(&told) { Style::new() } else { Style::new().bold() }
}

/// Who acts: in the order of the first telling, but worker 1 stands before worker 2.
fn actors<'a>(all: &[&'a Sentence]) -> Vec<&'a str> {
    let mut actors: Vec<&str> = Vec::new();
    for actor in all.iter().map(|sentence| sentence.actor.as_str()) {
        if !actors.contains(&actor) {
            actors.push(actor);
        }
    }
    let kind = |actor: &'a str| actor.split(' ').next();
    let number = |actor: &str| actor.rsplit(' ').next().and_then(|it| it.parse::<u32>().ok());
    let mut sorted = actors.clone();
    sorted.sort_by_key(|&actor| {
        (actors.iter().position(|&first| kind(first) == kind(actor)), number(actor))
    });
    sorted
}

/// Says whether the tellings agree, worker by worker, and how long each took.
pub fn verdict(told: &[Telling]) -> Verdict {
    let stories: Vec<(&str, &Story)> = told
        .iter()
        .filter_map(|telling| telling.story.as_ref().map(|story| (telling.label, story)))
        .collect();
    let mut said = Vec::new();
    for (label, story) in &stories {
        said.extend(story.trouble.as_ref().map(|trouble| format!("{label} {trouble}.")));
    }
    let went_well = said.is_empty();

    let apart = disagreements(&stories);
    let judgement = match (stories.len(), apart.as_slice()) {
        (..2, _) => "There is no other telling to compare with".to_owned(),
        (_, []) => "The tellings agree, worker by worker".to_owned(),
        (_, apart) => format!("The tellings disagree about {}", apart.join(", ")),
    };
    let times: Vec<String> = stories
        .iter()
        .map(|(label, story)| format!("{label} {:.1} s", story.took.as_secs_f64()))
        .collect();
    said.push(format!("{judgement}: {}.", times.join(", ")));

    let lines = said.iter().flat_map(|text| plain(text).wrapped(WIDTH)).map(|line| line.styled());
    Verdict { lines: lines.collect(), good: went_well && apart.is_empty() }
}

/// About whom the tellings disagree.
fn disagreements(stories: &[(&str, &Story)]) -> Vec<String> {
    let told: Vec<_> = stories.iter().map(|(_, story)| story.by_worker()).collect();
    let names: BTreeSet<&String> = told.iter().flat_map(|stories| stories.keys()).collect();
    let mut apart = Vec::new();
    for name in names {
        let mut versions: Vec<_> = told.iter().map(|stories| stories.get(name).cloned()).collect();
        if same(&versions) {
            continue;
        }
        versions.iter_mut().flatten().for_each(|version| version.sort());
        let about = if name.is_empty() { "the table" } else { name };
        let how = if same(&versions) { " (the order)" } else { "" };
        apart.push(format!("{about}{how}"));
    }
    apart
}

fn same<T: PartialEq>(versions: &[T]) -> bool {
    versions.windows(2).all(|pair| pair[0] == pair[1])
}

fn heading(told: &[Telling]) -> Vec<Text> {
    let mut heading = vec![Text::default(), Text::default()];
    for telling in told {
        let mut head = Text::default();
        head.push(Style::new().bold(), telling.label);
        if telling.story.is_none() {
            head.push(Style::new(), "\nnot installed");
        }
        heading.push(head);
    }
    heading
}

/// Every sentence once, in the order in which it is told first.
fn distinct(told: &[Telling]) -> Vec<&Sentence> {
    let mut all: Vec<&Sentence> = Vec::new();
    for story in told.iter().filter_map(|telling| telling.story.as_ref()) {
        for sentence in &story.sentences {
            if !all.contains(&sentence) {
                all.push(sentence);
            }
        }
    }
    all
}

fn mark(telling: &Telling, sentence: &Sentence) -> String {
    let Some(story) = &telling.story else { return String::new() };
    match story.sentences.iter().filter(|told| *told == sentence).count() {
        0 => "-".to_owned(),
        1 => "x".to_owned(),
        times => format!("x {times}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::story;
    use super::*;

    fn telling(label: &'static str, output: &str) -> Telling {
        let sentences = story::sentences(output);
        Telling { label, story: Some(Story { sentences, ..Story::default() }) }
    }

    fn unstyled(lines: &[String]) -> Vec<String> {
        lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect()
    }

    #[test]
    fn workers_stand_in_the_order_of_their_numbers() {
        let told = [telling("rust", "worker 10 rests\nvisitor   comes\nworker 9  rests\n")];
        assert_eq!(actors(&distinct(&told)), ["worker 9", "worker 10", "visitor"]);
    }

    const ONE: &str = "primary   forks worker 1\nworker 1  is online\nprimary   rests\n";

    #[test]
    fn sentences_are_grouped_by_actor_and_marked_by_telling() {
        let told = [
            telling("rust", ONE),
            telling("by hand", "primary   forks worker 1\nworker 1  sleeps\n"),
            Telling { label: "node", story: None },
        ];
        assert_eq!(
            unstyled(&lines(&told, WIDTH)),
            [
                "                          rust  by hand  node",
                "                                         not installed",
                "--------  --------------  ----  -------  -------------",
                "primary   forks worker 1  x     x",
                "          rests           x     -",
                "worker 1  is online       x     -",
                "          sleeps          -     x",
            ]
        );
        let bold = |deed: &str| format!("{0}{deed}{0:#}", Style::new().bold());
        let styled = lines(&told, WIDTH).join("\n");
        assert!(styled.contains(&bold("is online")), "{styled:?}");
        assert!(!styled.contains(&bold("forks worker 1")), "{styled:?}");

        let verdict = verdict(&told);
        assert!(!verdict.good);
        assert_eq!(
            verdict.lines,
            ["The tellings disagree about primary, worker 1: rust 0.0 s, by hand 0.0 s."]
        );
    }

    #[test]
    fn tellings_agree_when_only_the_order_between_workers_differs() {
        let other = "primary   rests\nprimary   forks worker 1\nworker 1  is online\n";
        let verdict = verdict(&[telling("rust", ONE), telling("node", other)]);
        assert!(verdict.good);
        assert_eq!(
            verdict.lines,
            ["The tellings agree, worker by worker: rust 0.0 s, node 0.0 s."]
        );
    }

    #[test]
    fn a_telling_that_failed_is_named() {
        let mut failed = telling("node", ONE);
        if let Some(story) = &mut failed.story {
            story.trouble = Some("failed".to_owned());
        }
        let verdict = verdict(&[telling("rust", ONE), failed]);
        assert!(!verdict.good);
        assert_eq!(verdict.lines[0], "node failed.");
    }

    #[test]
    fn one_telling_alone_is_no_disagreement() {
        assert!(verdict(&[telling("rust", ONE)]).good);
    }
}
