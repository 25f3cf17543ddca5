//! A forked worker: how the primary holds it, and how it lives.

use std::io::{BufRead, BufReader, Write};

use narrator::Outcome;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};
use os_pipe::{PipeReader, PipeWriter};
use serde::Serialize;

use crate::Result;
use crate::kernel::{Answer, Hex};
use crate::worker::{self, Reply, Request};

/// A reply is shorter: of a long number it holds a quarter of a MiB at most.
const LONGEST: usize = 1024 * 1024;

/// A worker, as the primary holds it.
pub(super) struct Child {
    pub name: String,
    pub pid: Pid,
    pub to: PipeWriter,
    pub from: PipeReader,
    /// What was read of a line that has not ended yet.
    begun: Vec<u8>,
    pub part: Option<usize>,
    /// What was heard of a number that has not ended yet.
    digits: String,
    /// For how many seconds it has computed.
    pub worked: f64,
}

impl Child {
    pub(super) fn new(
        name: String,
        pid: Pid,
        to: PipeWriter,
        from: PipeReader,
    ) -> Child {
        let (begun, digits) = (Vec::new(), String::new());
        Child { name, pid, to, from, begun, part: None, digits, worked: 0.0 }
    }

    /// The replies that these bytes complete. A pipe knows no messages: half of
    /// one may come, or three at once.
    pub(super) fn understand(&mut self, bytes: &[u8]) -> Result<Vec<Reply>> {
        let mut replies = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            if self.begun.len() + piece.len() > LONGEST {
                return Err("a worker sends a line without an end".into());
            }
            self.begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                replies.push(serde_json::from_slice(&self.begun)?);
                self.begun.clear();
            }
        }
        Ok(replies)
    }

    /// What the reply says of the part, if that is all of it.
    pub(super) fn answer(
        &mut self,
        reply: Reply,
    ) -> Result<Option<(usize, Answer)>> {
        match reply {
            Reply::Began(_) => Ok(None),
            Reply::Digits(digits) => {
                self.digits += &digits;
                Ok(None)
            }
            Reply::Done { part, digits, last, seconds } => {
                let digits = std::mem::take(&mut self.digits) + &digits;
                let Hex(number) = digits.try_into()?;
                self.part = None;
                self.worked += seconds;
                Ok(Some((part, Answer { number, last })))
            }
        }
    }
}

/// A message as it travels: JSON, and the end of the line.
pub(super) fn line(message: &impl Serialize) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

/// A worker's whole life. It never goes back into `main`.
pub(super) fn live(
    primary: Pid,
    requests: PipeReader,
    replies: PipeWriter,
    poison: Option<usize>,
) -> ! {
    let failed =
        follow(primary).and_then(|()| work(requests, replies, poison)).is_err();
    // SAFETY: _exit(2) takes a number, touches no memory, and never returns.
    // What waits in copies of buffers is the primary's to print.
    #[allow(unsafe_code)]
    unsafe {
        nix::libc::_exit(failed.into())
    }
}

/// Whatever happens to the primary, this process follows it, even one that is
/// stopped (SIGSTOP) and reads no end of any pipe.
fn follow(primary: Pid) -> Outcome {
    set_pdeathsig(Signal::SIGKILL)?;
    match getppid() == primary {
        true => Ok(()),
        false => Err("the primary died before that".into()),
    }
}

fn work(
    requests: PipeReader,
    mut replies: PipeWriter,
    poison: Option<usize>,
) -> Outcome {
    for request in BufReader::new(requests).lines() {
        let request: Request = serde_json::from_str(&request?)?;
        for reply in worker::compute(&request, poison) {
            replies.write_all(&line(&reply)?)?;
        }
    }
    Ok(()) // the primary has closed its end, or is gone
}
