//! One step: waits for the person to press Enter.
//!
//! The terminal stays in its normal mode, where it collects and echoes a line by itself. So there is
//! nothing to restore, whatever ends the program. The price is that Enter moves the cursor to the
//! next line, which the printer turns to use: it prints the sentence without its newline, and the
//! Enter supplies it.

use std::io::{self, IsTerminal};

use crate::keyboard::Keyboard;

/// Standard input, read one line per step.
#[derive(Debug)]
pub(crate) struct Step {
    /// Whether the terminal shows what is typed, so that Enter ends the line on the screen.
    echoes: bool,
    keyboard: Keyboard,
}

impl Step {
    pub(crate) fn new(stdout_is_terminal: bool, keyboard: Keyboard) -> Step {
        let echoes = stdout_is_terminal && keyboard.echoes();
        if keyboard.is_terminal() && io::stderr().is_terminal() {
            crate::stage::complain("(Enter goes on, Ctrl-C ends)\n");
        }
        Step { echoes, keyboard }
    }

    /// Whether the next Enter will end the sentence's line: not if it was typed ahead, because then
    /// it has been echoed already.
    pub(crate) fn enter_ends_the_line(&self) -> bool {
        self.echoes && !self.keyboard.has_something()
    }

    /// Waits for one line. `false` when there is none: end of input, or nobody wants to wait.
    pub(crate) fn wait(&self) -> bool {
        self.keyboard.line().is_some()
    }
}
