//! Prints sentences at the pace that the person chose.

use std::io::PipeReader;
use std::process;
use std::time::{Duration, Instant};

use crate::pace::Slow;
use crate::sentence::{Layout, Sentence};
use crate::stage::Stage;
use crate::step::Step;
use crate::telling::Telling;
use crate::text::harmless_lines;

/// What a story hands to its printer.
#[derive(Debug)]
pub(crate) enum Piece {
    Sentence(Sentence),
    /// A table or a blank line: belongs to the sentence before it and has no pace of its own.
    Lines(String),
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
}

impl Printer {
    /// A printer; `wake` ends a wait for Enter.
    pub(crate) fn new(telling: &Telling, wake: Option<PipeReader>) -> Printer {
        let stage = Stage::look();
        let pace = match telling.slow {
            _ if telling.step => Pace::Step(Step::new(stage.is_terminal(), wake)),
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
        match piece {
            Piece::Sentence(sentence) => self.sentence(sentence, pause),
            Piece::Lines(text) => self.stage.put(&harmless_lines(text)),
        }
    }

    /// Prints the rest at full speed.
    pub(crate) fn hurry(&mut self) {
        self.pace = Pace::Full;
    }

    fn sentence(&mut self, sentence: &Sentence, pause: impl FnOnce(Duration)) {
        if let Pace::Slow(slow) = &self.pace {
            let wait = slow.wait_at(Instant::now());
            if !wait.is_zero() {
                pause(wait);
            }
        }
        let layout = Layout {
            width: self.stage.width(),
            pid_digits: self.pid_digits,
            coloured: self.stage.is_coloured(),
        };
        let text = sentence.lay_out(&layout);
        match &mut self.pace {
            Pace::Full => self.stage.put(&(text + "\n")),
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
