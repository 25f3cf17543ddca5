//! One step: waits for the person to press Enter.
//!
//! The terminal stays in its normal mode, where it collects and echoes a line by itself. So there is
//! nothing to restore, whatever ends the program. The price is that Enter moves the cursor to the
//! next line, which the printer turns to use: it prints the sentence without its newline, and the
//! Enter supplies it.

use std::io::{self, IsTerminal, PipeReader};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::read;
use rustix::termios::{LocalModes, tcgetattr};

/// Standard input, read one line per step.
#[derive(Debug)]
pub(crate) struct Step {
    /// Whether the terminal shows what is typed, so that Enter ends the line on the screen.
    echoes: bool,
    /// Something to read here means: do not wait any longer.
    wake: Option<PipeReader>,
}

impl Step {
    pub(crate) fn new(stdout_is_terminal: bool, wake: Option<PipeReader>) -> Step {
        let stdin = io::stdin();
        let echoes = stdout_is_terminal
            && tcgetattr(&stdin).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ECHO));
        if stdin.is_terminal() && io::stderr().is_terminal() {
            crate::stage::complain("(Enter goes on, Ctrl-C ends)\n");
        }
        Step { echoes, wake }
    }

    /// Whether the next Enter will end the sentence's line: not if it was typed ahead, because then
    /// it has been echoed already.
    pub(crate) fn enter_ends_the_line(&self) -> bool {
        let stdin = io::stdin();
        let mut files = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        self.echoes && poll(&mut files, PollTimeout::ZERO) == Ok(0)
    }

    /// Waits for one line. `false` when there is none: end of input, or nobody wants to wait.
    ///
    /// Reads byte by byte, so that what follows the line stays where the next step, or another
    /// process, finds it.
    pub(crate) fn wait(&self) -> bool {
        let stdin = io::stdin();
        loop {
            let mut files = vec![PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
            files.extend(self.wake.as_ref().map(|w| PollFd::new(w.as_fd(), PollFlags::POLLIN)));
            match poll(&mut files, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                Err(_) => return false,
                Ok(_) => {}
            }
            if files.get(1).is_some_and(|wake| wake.any() == Some(true)) {
                return false;
            }
            let mut byte = [0];
            match read(&stdin, &mut byte) {
                Ok(0) => return false,
                Ok(_) if byte == *b"\n" => return true,
                Ok(_) | Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(_) => return false, // a terminal that is gone
            }
        }
    }
}
