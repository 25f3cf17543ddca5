//! Asks before it tells. The story runs to its end meanwhile, so that only what is printed waits.

use std::fmt::Write;
use std::io::{self, IsTerminal};

use crate::backlog::Backlog;
use crate::keyboard::Keyboard;
use crate::printer::Piece;
use crate::quiz::{self, Question};
use crate::sentence::{Layout, Sentence};
use crate::stage::{Stage, complain};

/// Where an answer begins: after `  a  `.
const INDENT: usize = 5;
const LETTERS: [char; 3] = ['a', 'b', 'c'];

/// Holds a story back until all of it, or a part, is known.
#[derive(Debug)]
pub(crate) struct Predict {
    held: Backlog,
    seed: u64,
    keyboard: Keyboard,
}

impl Predict {
    pub(crate) fn new(seed: u64, stage: &Stage, keyboard: Keyboard) -> Predict {
        if keyboard.is_terminal() && stage.is_terminal() && io::stderr().is_terminal() {
            complain("(the program runs to its end first; then you are asked)\n");
        }
        Predict { held: Backlog::default(), seed, keyboard }
    }

    pub(crate) fn hold(&mut self, piece: Piece) {
        self.held.push(piece);
    }

    pub(crate) fn holds_something(&self) -> bool {
        !self.held.is_empty()
    }

    /// Hands out what is held, to be printed without questions.
    pub(crate) fn release(&mut self) -> Vec<Piece> {
        std::iter::from_fn(|| self.held.pop()).collect()
    }

    /// Prints what is held: with questions, or as a sheet with the answers at the end if nobody is
    /// there to answer.
    pub(crate) fn print(&mut self, stage: &Stage, layout: &Layout) {
        let pieces = self.release();
        let sentences: Vec<&Sentence> = pieces.iter().filter_map(Piece::sentence).collect();
        let questions = quiz::questions(&sentences, self.seed);
        let first = match (self.keyboard.is_terminal(), self.keyboard.has_something()) {
            (true, _) if stage.is_terminal() => Some(None),
            (false, true) => self.keyboard.line().map(Some), // none: it is at its end
            _ => None,
        };
        let mut asking = first.map(|ahead| Asking { predict: self, stage, ahead, over: false });
        let (mut right, mut asked, mut key) = (0, 0, String::new());
        let mut number = 0;
        for piece in &pieces {
            let Piece::Sentence(sentence) = piece else {
                stage.put(&piece.lay_out(layout));
                continue;
            };
            let question = questions.iter().find(|question| question.number == number);
            number += 1;
            match (question, &mut asking) {
                (Some(question), Some(asking)) => {
                    if let Some(answer) = asking.ask(question, layout) {
                        asked += 1;
                        right += usize::from(answer);
                    }
                }
                (Some(question), None) => {
                    asked += 1;
                    let letter = LETTERS[question.right];
                    let written = write!(key, " {asked}{letter}");
                    debug_assert!(written.is_ok(), "a String takes everything");
                    stage.put(&format!("{asked}. what comes next?\n{}", choices(question, layout)));
                    continue; // the sentence would be the answer
                }
                (None, _) => {}
            }
            stage.put(&(sentence.lay_out(layout) + "\n"));
        }
        let again = format!("(--seed {} asks the same again)\n", self.seed);
        match asked {
            0 => {}
            _ if key.is_empty() => stage.put(&format!("you foresaw {right} of {asked} {again}")),
            _ => stage.put(&format!("\nanswers:{key} {again}")),
        }
    }
}

/// Somebody answers.
struct Asking<'a> {
    predict: &'a Predict,
    stage: &'a Stage,
    /// A line that was read already, to see whether there is one.
    ahead: Option<String>,
    /// No answer will come any more.
    over: bool,
}

impl Asking<'_> {
    /// Asks, and says whether the answer was right; `None`, if there is no answer.
    fn ask(&mut self, question: &Question, layout: &Layout) -> Option<bool> {
        if self.over {
            return None;
        }
        self.stage.put(&format!("what comes next?\n{}", choices(question, layout)));
        loop {
            self.stage.put("a, b or c: ");
            let Some(line) = self.ahead.take().or_else(|| self.predict.keyboard.line()) else {
                self.over = true;
                self.stage.put("\n");
                return None;
            };
            let echoed = self.stage.is_terminal() && self.predict.keyboard.echoes();
            if !echoed {
                self.stage.put("\n");
            }
            let letter = line.trim().to_lowercase();
            let is_it = |at: &usize| letter == LETTERS[*at].to_string();
            if let Some(answer) = (0..question.answers.len()).find(is_it) {
                let right = answer == question.right;
                let wrong = format!("no, it is {}\n", LETTERS[question.right]);
                self.stage.put(if right { "right\n" } else { &wrong });
                return Some(right);
            }
        }
    }
}

/// The answers to choose from, one below the other.
fn choices(question: &Question, layout: &Layout) -> String {
    let layout = Layout { width: layout.width.saturating_sub(INDENT), ..*layout };
    let mut text = String::new();
    for (letter, answer) in LETTERS.iter().zip(&question.answers) {
        for (number, line) in answer.lay_out(&layout).lines().enumerate() {
            let letter = if number == 0 { *letter } else { ' ' };
            let written = writeln!(text, "  {letter}  {line}");
            debug_assert!(written.is_ok(), "a String takes everything");
        }
    }
    text
}
