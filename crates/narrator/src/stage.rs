//! The stage: standard output, and what happens when nobody watches any more.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::process;
use std::sync::mpsc;
use std::thread;

use anstream::{AutoStream, ColorChoice};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::queue::LAST_WAIT;
use crate::sentence::WIDEST;

/// Standard output, as it was when the story began.
#[derive(Debug)]
pub(crate) struct Stage {
    is_terminal: bool,
    coloured: bool,
}

impl Stage {
    /// Looks at standard output and at `NO_COLOR`, `CLICOLOR_FORCE` and their kin.
    pub(crate) fn look() -> Stage {
        let stdout = io::stdout();
        Stage {
            is_terminal: stdout.is_terminal(),
            coloured: AutoStream::choice(&stdout) != ColorChoice::Never,
        }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    pub(crate) fn is_coloured(&self) -> bool {
        self.coloured
    }

    /// The columns of a line. Asked for each sentence, because windows change their size.
    pub(crate) fn width(&self) -> usize {
        if !self.is_terminal {
            return WIDEST;
        }
        match rustix::termios::tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 => WIDEST.min(size.ws_col.into()),
            _ => WIDEST,
        }
    }

    /// Prints a text with one `write(2)`, so that no other process can print into its middle.
    ///
    /// It does not go through the standard library's buffer: bytes left there would be printed
    /// twice after a fork. If nobody takes the text, the program ends here.
    pub(crate) fn put(&self, text: &str) {
        let stdout = io::stdout();
        let mut bytes = text.as_bytes();
        while !bytes.is_empty() {
            match nix::unistd::write(&stdout, bytes) {
                Ok(0) => leave("standard output", Errno::EIO), // else we would try for ever
                Ok(written) => bytes = &bytes[written..],      // all of it, except into a full pipe
                Err(Errno::EINTR) => {}
                // A Node process that shares the pipe has made it non-blocking for us, too.
                Err(Errno::EAGAIN) => wait_for(stdout.as_fd(), PollFlags::POLLOUT),
                Err(error) => leave("standard output", error),
            }
        }
    }
}

/// Waits until the file is ready, or until waiting makes no sense.
fn wait_for(file: std::os::fd::BorrowedFd<'_>, event: PollFlags) {
    // An error here comes back, better told, from the read or write that follows.
    let _ = poll(&mut [PollFd::new(file, event)], PollTimeout::NONE);
}

/// Ends the program because a text could not be written to `place`.
///
/// A closed pipe (`| head -1`) means that the reader has seen enough: exit 0, without a word. The
/// old way, dying of SIGPIPE, would make `cargo run` print an error about a program that did
/// nothing wrong. Anything else, such as a full disk, is one line on standard error and exit 1.
pub(crate) fn leave(place: &str, error: Errno) -> ! {
    if error == Errno::EPIPE {
        process::exit(0);
    }
    complain(&format!("error: cannot write to {place}: {}\n", error.desc()));
    process::exit(1);
}

/// The same for the last words of a program: who does not read them cannot keep it from its end.
pub(crate) fn complain_at_the_end(lines: &str) {
    let (done, all_is_said) = mpsc::channel();
    let words = lines.to_owned();
    let speak = move || {
        complain(&words);
        let _ = done.send(()); // nobody waits any more
    };
    match thread::Builder::new().spawn(speak) {
        Ok(_) => drop(all_is_said.recv_timeout(LAST_WAIT)),
        Err(_) => complain(lines), // no thread is left
    }
}

/// Prints lines on standard error, if anybody is there. (`eprintln!` panics if not.)
pub(crate) fn complain(lines: &str) {
    let _ = io::stderr().write_all(lines.as_bytes());
}
