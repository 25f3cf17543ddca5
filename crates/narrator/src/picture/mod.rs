//! Pictures of a run, drawn from its sentences when it has ended.
//!
//! A sentence that names another actor is an arrow to it, and `everybody` are all workers that live.
//! What a worker does otherwise is an arrow to the primary, which could not tell it without having
//! heard of it. All else is a note.

mod choice;
mod diagram;
mod ladder;
mod mermaid;
mod reading;
mod tree;

pub use choice::Choice;
pub use diagram::Diagram;

use crate::sentence::{Sentence, WIDEST};

/// What a picture looks like.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// Who tells whom what, downwards in time
    Ladder,
    /// The processes of the run, and how each ended
    Tree,
    /// The ladder as a `sequenceDiagram` for Mermaid
    Mermaid,
}

/// So many bytes of sentences are drawn. A service that stays tells more than that.
const MOST: usize = 1024 * 1024;

/// The sentences so far, for the picture at the end.
#[derive(Debug)]
pub(crate) struct Sketch {
    picture: Picture,
    of: Choice,
    sentences: Vec<Sentence>,
    bytes: usize,
    /// How many came when the sketch was full.
    left_out: usize,
}

impl Sketch {
    pub(crate) fn begin(picture: Picture, of: Choice) -> Sketch {
        Sketch { picture, of, sentences: Vec::new(), bytes: 0, left_out: 0 }
    }

    pub(crate) fn add(&mut self, sentence: &Sentence) {
        if self.bytes >= MOST {
            self.left_out += 1;
            return;
        }
        self.bytes += size_of::<Sentence>() + sentence.size();
        self.sentences.push(sentence.clone());
    }

    /// The lines of the picture; nothing if there was nothing to draw.
    pub(crate) fn draw(&self, with_pids: bool) -> Option<String> {
        if self.sentences.is_empty() {
            return None;
        }
        let diagram = || Diagram::of(&self.sentences, &self.of);
        let picture = match self.picture {
            Picture::Ladder => diagram().ladder(WIDEST).join("\n"),
            Picture::Tree => tree::draw(&self.sentences, &self.of, with_pids),
            Picture::Mermaid => diagram().mermaid(),
        };
        let comment = if self.picture == Picture::Mermaid { "%% " } else { "" };
        Some(match self.left_out {
            0 => picture,
            more => format!("{picture}\n{comment}({more} later sentences are not drawn)"),
        })
    }
}

#[cfg(test)]
mod tests;
