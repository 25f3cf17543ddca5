//! Single keys from a terminal, which is left as it was found.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use cluster::Waker;
use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};
use nix::unistd::{getpgrp, read, tcgetpgrp};

use crate::Result;

pub(crate) const HELP: &str = "\
  | 1-9  kill that worker       f  freeze a worker, and thaw it
  | +    add a worker           r  send ten requests
  | -    remove a worker        q  end";

/// What a key asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Key {
    /// The n-th of those that are there, from 0.
    Kill(usize),
    Freeze,
    Visit,
    Add,
    Remove,
    Help,
    Quit,
}

impl Key {
    fn from_byte(byte: u8) -> Option<Key> {
        Some(match byte {
            b'1'..=b'9' => Key::Kill(usize::from(byte - b'1')),
            b'f' => Key::Freeze,
            b'r' => Key::Visit,
            b'+' => Key::Add,
            b'-' => Key::Remove,
            b'?' | b'h' => Key::Help,
            b'q' => Key::Quit,
            _ => return None,
        })
    }
}

/// The keys, while it lives. Its end is the end of the terminal's odd mode:
/// also in a panic, and whoever ends the process otherwise drops it first.
pub(crate) struct Keys {
    before: Termios,
    pressed: Receiver<Key>,
}

impl Keys {
    // ANCHOR: begin
    /// `None`: nobody sits at a terminal, or it belongs to somebody else now.
    pub(crate) fn begin(waker: Waker) -> Result<Option<Keys>> {
        let stdin = io::stdin();
        // In the background, changing the terminal would stop this process.
        let ours = tcgetpgrp(&stdin).map_or(true, |group| group == getpgrp());
        if !(stdin.is_terminal() && io::stdout().is_terminal() && ours) {
            return Ok(None);
        }
        let before = tcgetattr(&stdin)?;
        let mut mode = before.clone();
        // No lines, no echo; Ctrl-C stays a signal.
        mode.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        mode.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        mode.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        let (press, pressed) = mpsc::channel();
        let keys = Keys { before, pressed };
        tcsetattr(&stdin, SetArg::TCSANOW, &mode)?;
        thread::Builder::new().name("keys".into()).spawn(move || {
            let mut byte = [0];
            while let Ok(1) = read(io::stdin(), &mut byte) {
                if let Some(key) = Key::from_byte(byte[0])
                    && press.send(key).is_ok()
                {
                    waker.wake();
                }
            }
        })?;
        Ok(Some(keys))
    }
    // ANCHOR_END: begin

    pub(crate) fn pressed(&self) -> Option<Key> {
        self.pressed.try_recv().ok()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // Now: to wait until all is printed could be for ever (Ctrl-S). It
        // fails when the terminal is gone, and its mode with it.
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_help_means_something_and_no_other() {
        for key in *b"19f+r-q" {
            assert!(Key::from_byte(key).is_some(), "{}", key as char);
            assert!(HELP.contains(key as char));
        }
        for byte in *b"0xQ\n\x1b" {
            assert_eq!(Key::from_byte(byte), None);
        }
        assert!(HELP.lines().all(|line| line.len() <= 80));
    }
}
