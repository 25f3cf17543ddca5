//! A sequence diagram: who is in it, and what passes between them.

use super::{Choice, reading};
use crate::sentence::Sentence;

/// A picture has no more steps than a projector shows at once.
const MOST_STEPS: usize = 14;

/// A sequence diagram, drawn from a story or read from a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// From left to right.
    pub(crate) actors: Vec<String>,
    /// From top to bottom.
    pub(crate) steps: Vec<Step>,
}

/// One row of a diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something that one does to, or says to, another.
    Arrow { from: String, to: String, text: String, ends: bool },
    /// Something that happens to one or to several.
    Note { over: Vec<String>, text: String },
}

impl Step {
    /// Everybody who has a part in it.
    pub(crate) fn actors(&self) -> Vec<&String> {
        match self {
            Step::Arrow { from, to, .. } => vec![from, to],
            Step::Note { over, .. } => over.iter().collect(),
        }
    }
}

impl Diagram {
    /// Draws those sentences of a story that are chosen; of many, the first.
    pub(crate) fn of(sentences: &[Sentence], choice: &Choice) -> Diagram {
        let mut steps = reading::steps(sentences, choice);
        let more = steps.len().saturating_sub(MOST_STEPS);
        steps.truncate(MOST_STEPS);
        let actors = in_place(&steps);
        if let (1.., Some(first)) = (more, actors.first().cloned()) {
            let text = format!("and {more} more: choose with --picture-of");
            steps.push(Step::Note { over: vec![first], text });
        }
        Diagram { actors, steps }
    }
}

/// Everybody who has a part in these steps, where each belongs.
pub(crate) fn in_place(steps: &[Step]) -> Vec<String> {
    let mut actors: Vec<String> = steps.iter().flat_map(Step::actors).cloned().collect();
    actors.sort_by_key(|actor| place(actor));
    actors.dedup();
    actors
}

/// Visitors come from the left, workers stand on the right, whoever was first to act.
fn place(actor: &str) -> (u8, u32, String) {
    let (kind, number) = actor.split_once(' ').unwrap_or((actor, ""));
    let side = match kind {
        "visitor" => 0,
        "primary" => 1,
        _ => 2,
    };
    (side, number.parse().unwrap_or(0), actor.to_owned())
}
