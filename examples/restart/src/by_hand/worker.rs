//! The worker's side, by hand.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::{panic, process};

use narrator::Outcome;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use os_pipe::PipeReader;

use crate::death::{LAST_WORDS, speak_plainly};

/// The order to panic; any other byte is an exit code.
pub(super) const PANIC: u8 = 101;

pub(super) fn work(
    name: &str,
    listener: &TcpListener,
    mut orders: PipeReader,
) -> Outcome {
    speak_plainly();
    loop {
        let mut news = [
            PollFd::new(orders.as_fd(), PollFlags::POLLIN),
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
        ];
        poll(&mut news, PollTimeout::NONE)?;
        let [ordered, visited] = news.map(|it| it.any().unwrap_or(false));
        if ordered {
            let mut order = [0];
            match orders.read(&mut order)? {
                0 => return Ok(()), // the primary let go, or is gone
                _ if order == [PANIC] => die_of_a_panic(),
                _ => process::exit(order[0].into()),
            }
        }
        if visited {
            match listener.accept() {
                // If it fails, the visitor is gone, and wants no answer.
                Ok((mut it, _)) => drop(writeln!(it, "{name}")),
                // poll(2) has woken everybody, and another one was faster.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Without a way back: this process still has the primary's stack, and must
/// not unwind into it.
fn die_of_a_panic() -> ! {
    let _ = panic::catch_unwind(|| panic!("{LAST_WORDS}"));
    process::exit(101)
}
