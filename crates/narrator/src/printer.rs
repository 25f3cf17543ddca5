//! Prints sentences at the pace that the person chose.

use std::io::PipeReader;
use std::process;
use std::time::{Duration, Instant};

use crate::keyboard::Keyboard;
use crate::pace::Slow;
use crate::predict::Predict;
use crate::sentence::{Layout, Sentence};
use crate::stage::Stage;
use crate::step::Step;
use crate::telling::Telling;
use crate::text::harmless_lines;

/// What a story hands to its printer.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Sentence(Sentence),
    /// A table or a blank line: belongs to the sentence before it and has no pace of its own.
    Lines(String),
}

impl Piece {
    /// The sentence, if it is one.
    pub(crate) fn sentence(&self) -> Option<&Sentence> {
        match self {
            Piece::Sentence(sentence) => Some(sentence),
            Piece::Lines(_) => None,
        }
    }

    /// The memory that it takes while it waits, in bytes.
    pub(crate) fn size(&self) -> usize {
        let text = match self {
            Piece::Sentence(sentence) => sentence.size(),
            Piece::Lines(text) => text.len(),
        };
        size_of::<Piece>() + text
    }

    /// The lines of this piece.
    pub(crate) fn lay_out(&self, layout: &Layout) -> String {
        match self {
            Piece::Sentence(sentence) => sentence.lay_out(layout) + "\n",
            Piece::Lines(text) => harmless_lines(text),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Printer {
    stage: Stage,
    pid_digits: Option<usize>,
    pace: Pace,
}

#[derive(Debug)]
enum Pace {
    Full,
    Slow(Slow),
    Step(Step),
    Predict(Predict),
}

impl Printer {
    /// A printer; `wake` ends a wait for Enter.
    pub(crate) fn new(telling: &Telling, wake: Option<PipeReader>) -> Printer {
        let stage = Stage::look();
        let keyboard = Keyboard::new(wake);
        let pace = match telling.slow {
            _ if telling.step => Pace::Step(Step::new(stage.is_terminal(), keyboard)),
            _ if telling.predict => {
                let seed = telling.seed.unwrap_or_else(|| u64::from(process::id()));
                Pace::Predict(Predict::new(seed, &stage, keyboard))
            }
            Some(pause) => Pace::Slow(Slow::new(pause)),
            None => Pace::Full,
        };
        // Workers come soon after us: their pids have as many digits as ours, or one more, for
        // which the column has room.
        let pid_digits = telling.pids.then(|| process::id().to_string().len());
        Printer { stage, pid_digits, pace }
    }

    /// Prints one piece, after `pause` has waited as long as the pace asks.
    pub(crate) fn print(&mut self, piece: &Piece, pause: impl FnOnce(Duration)) {
        match (piece, &mut self.pace) {
            (_, Pace::Predict(predict)) => predict.hold(piece.clone()),
            (Piece::Sentence(sentence), _) => self.sentence(sentence, pause),
            (Piece::Lines(_), _) => self.stage.put(&piece.lay_out(&self.layout())),
        }
    }

    /// Whether a person waits for what is held back until [`flush`](Printer::flush).
    pub(crate) fn keeps_somebody_waiting(&self) -> bool {
        let holds = matches!(&self.pace, Pace::Predict(predict) if predict.holds_something());
        holds && self.stage.is_terminal()
    }

    /// Prints what is held back: nothing more comes, or not soon.
    pub(crate) fn flush(&mut self) {
        let layout = self.layout();
        if let Pace::Predict(predict) = &mut self.pace {
            predict.print(&self.stage, &layout);
        }
    }

    /// Prints the rest at full speed.
    pub(crate) fn hurry(&mut self) {
        if let Pace::Predict(predict) = &mut self.pace {
            let held = predict.release();
            let layout = self.layout();
            for piece in held {
                self.stage.put(&piece.lay_out(&layout));
            }
        }
        self.pace = Pace::Full;
    }

    fn layout(&self) -> Layout {
        Layout {
            width: self.stage.width(),
            pid_digits: self.pid_digits,
            coloured: self.stage.is_coloured(),
        }
    }

    fn sentence(&mut self, sentence: &Sentence, pause: impl FnOnce(Duration)) {
        if let Pace::Slow(slow) = &self.pace {
            let wait = slow.wait_at(Instant::now());
            if !wait.is_zero() {
                pause(wait);
            }
        }
        let text = sentence.lay_out(&self.layout());
        match &mut self.pace {
            Pace::Full | Pace::Predict(_) => self.stage.put(&(text + "\n")),
            Pace::Slow(slow) => {
                self.stage.put(&(text + "\n"));
                slow.printed(Instant::now());
            }
            Pace::Step(step) => {
                let line_stays_open = step.enter_ends_the_line();
                self.stage.put(&if line_stays_open { text } else { text + "\n" });
                if !step.wait() {
                    if line_stays_open {
                        self.stage.put("\n");
                    }
                    self.pace = Pace::Full;
                }
            }
        }
    }
}
