//! Two famous deadlocks of pipes: run into, noticed, and cured.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::process;
use std::time::{Duration, Instant};

use narrator::{Outcome, Story, Telling};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork, getpid};
use os_pipe::{PipeReader, PipeWriter, pipe};

use super::follow;
use crate::{Result, lost};

/// Which of the two.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum Deadlock {
    /// A write end that nobody thought of: the reader never sees the end
    ForgottenEnd,
    /// Both sides write and nobody reads: both pipes are full
    FullPipe,
}

/// How long nothing may move before it is called a deadlock.
const PATIENCE: Duration = Duration::from_millis(500);

pub(crate) fn run(deadlock: Deadlock, telling: &Telling) -> Outcome {
    let story = Story::by_hand(telling)?;
    match deadlock {
        Deadlock::ForgottenEnd => {
            forgotten_end(&story, "worker 1", false)?;
            forgotten_end(&story, "worker 2", true)
        }
        Deadlock::FullPipe => full_pipe(&story),
    }
}

// ANCHOR: forgotten-end
fn forgotten_end(story: &Story, name: &str, cured: bool) -> Outcome {
    let (mut questions, to_worker) = pipe()?;
    let (answers, mut to_primary) = pipe()?;
    story.tell("primary", "forks", name);
    let primary = getpid();
    // SAFETY: no other thread runs yet, whose locks the child would inherit.
    #[allow(unsafe_code)]
    let worker = match unsafe { fork()? } {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            // fork(2) has copied the write end of the pipe that we read.
            let copy = to_worker;
            if cured {
                drop(copy);
            }
            let answered = follow(primary).is_ok()
                && io::copy(&mut questions, &mut io::sink()).is_ok()
                && to_primary.write_all(b"done").is_ok();
            process::exit((!answered).into());
        }
    };
    story.tell("primary", "closes its write end and waits for an answer", "");
    drop(to_worker);
    if is_ready(&answers, PollFlags::POLLIN)? {
        story.tell(name, "closed its copy, sees the end, and answers", "");
    } else {
        story.tell(name, "still reads, and holds a write end itself", "");
        kill(worker, Signal::SIGKILL)?;
    }
    waitpid(worker, None)?;
    Ok(())
}
// ANCHOR_END: forgotten-end

// ANCHOR: full-pipe
fn full_pipe(story: &Story) -> Outcome {
    let (from_primary, mut to_worker) = pipe()?;
    let (mut from_worker, to_primary) = pipe()?;
    story.tell("primary", "forks", "worker 1");
    let primary = getpid();
    // SAFETY: no other thread runs yet, whose locks the child would inherit.
    #[allow(unsafe_code)]
    let worker = match unsafe { fork()? } {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            drop((to_worker, from_worker)); // or see the other deadlock
            let sent = follow(primary)
                .and_then(|()| send_back(from_primary, to_primary));
            process::exit(sent.is_err().into());
        }
    };
    drop((from_primary, to_primary));
    story.tell("worker 1", "sends back whatever it reads", "");
    story.tell("primary", "writes 1 MiB before it reads anything", "");
    fcntl(&to_worker, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let letters = vec![b'x'; 1024 * 1024];
    let mut left = &letters[..];
    while is_ready(&to_worker, PollFlags::POLLOUT)? {
        write_some(&mut to_worker, &mut left)?;
    }
    let written = (letters.len() - left.len()) / 1024;
    let stuck = format!("{written} KiB: nobody reads any more");
    story.tell("primary", "is stuck after", stuck);
    story.tell("worker 1", "is stuck too: nobody reads what it sends", "");
    story.tell("primary", "begins to read while it writes", "");
    let mut back = 0;
    while back < letters.len() {
        write_some(&mut to_worker, &mut left)?;
        back += match from_worker.read(&mut [0; 4096])? {
            0 => return lost(),
            count => count,
        };
    }
    story.tell("primary", "has back", format!("{} KiB", back / 1024));
    drop(to_worker);
    waitpid(worker, None)?;
    Ok(())
}
// ANCHOR_END: full-pipe

fn send_back(mut from: PipeReader, mut to: PipeWriter) -> Outcome {
    let mut buffer = [0; 4096];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            count => to.write_all(&buffer[..count])?,
        }
    }
}

/// Whether the pipe can be read or written before patience ends.
fn is_ready(pipe: &impl AsFd, what: PollFlags) -> Result<bool> {
    let end = Instant::now() + PATIENCE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let mut pipe = [PollFd::new(pipe.as_fd(), what)];
        match poll(&mut pipe, PollTimeout::try_from(left)?) {
            Err(Errno::EINTR) => {} // a signal; there is time left
            ready => return Ok(ready? > 0),
        }
    }
}

/// Writes what fits without waiting.
fn write_some(to: &mut PipeWriter, left: &mut &[u8]) -> Outcome {
    match to.write(left) {
        Ok(count) => *left = &left[count..],
        Err(full) if full.kind() == ErrorKind::WouldBlock => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
