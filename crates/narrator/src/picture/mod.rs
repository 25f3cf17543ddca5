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

/// The sentences so far, for the picture at the end.
#[derive(Debug)]
pub(crate) struct Sketch {
    picture: Picture,
    of: Choice,
    sentences: Vec<Sentence>,
}

impl Sketch {
    pub(crate) fn begin(picture: Picture, of: Choice) -> Sketch {
        Sketch { picture, of, sentences: Vec::new() }
    }

    pub(crate) fn add(&mut self, sentence: &Sentence) {
        self.sentences.push(sentence.clone());
    }

    /// The lines of the picture; nothing if there was nothing to draw.
    pub(crate) fn draw(&self, with_pids: bool) -> Option<String> {
        if self.sentences.is_empty() {
            return None;
        }
        let diagram = || Diagram::of(&self.sentences, &self.of);
        Some(match self.picture {
            Picture::Ladder => diagram().ladder(WIDEST).join("\n"),
            Picture::Tree => tree::draw(&self.sentences, &self.of, with_pids),
            Picture::Mermaid => diagram().mermaid(),
        })
    }
}

#[cfg(test)]
mod tests;
