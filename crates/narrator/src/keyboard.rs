//! Lines that a person types, or that stand in a file, read without touching what follows them.

use std::io::{self, IsTerminal, PipeReader};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::read;
use rustix::termios::{LocalModes, tcgetattr};

/// So many bytes of a line are kept.
const LONGEST: usize = 1024;

/// Standard input, line by line.
#[derive(Debug)]
pub(crate) struct Keyboard {
    /// Something to read here means: do not wait any longer.
    wake: Option<PipeReader>,
}

impl Keyboard {
    pub(crate) fn new(wake: Option<PipeReader>) -> Keyboard {
        Keyboard { wake }
    }

    /// Whether somebody sits there.
    pub(crate) fn is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }

    /// Whether the terminal shows what is typed.
    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(io::stdin()).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ECHO))
    }

    /// Whether a line, a part of one, or the end is there already.
    pub(crate) fn has_something(&self) -> bool {
        let stdin = io::stdin();
        poll(&mut [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO) != Ok(0)
    }

    /// Waits for one line. `None` when there is none: end of input, or nobody wants to wait.
    ///
    /// Reads byte by byte, so that what follows the line stays where the next call, or another
    /// process, finds it.
    pub(crate) fn line(&self) -> Option<String> {
        let stdin = io::stdin();
        let mut line = Vec::new();
        loop {
            let mut files = vec![PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
            files.extend(self.wake.as_ref().map(|w| PollFd::new(w.as_fd(), PollFlags::POLLIN)));
            match poll(&mut files, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                Err(_) => return None,
                Ok(_) => {}
            }
            if files.get(1).is_some_and(|wake| wake.any() == Some(true)) {
                return None;
            }
            let mut byte = [0];
            match read(&stdin, &mut byte) {
                Ok(0) if line.is_empty() => return None,
                Ok(0) => break,
                Ok(_) if byte == *b"\n" => break,
                Ok(_) if line.len() < LONGEST => line.extend(byte),
                Ok(_) => {} // no answer is that long
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(_) => return None, // a terminal that is gone
            }
        }
        Some(String::from_utf8_lossy(&line).into_owned())
    }
}
