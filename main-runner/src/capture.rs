//! Runs a program in a process group of its own, listens to it, and ends it when its time is over.

use std::io::{self, PipeReader, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::waiting::Held;

/// A lesson takes about two seconds, or many more on a busy machine; one that takes this long hangs.
pub const LIMIT: Duration = Duration::from_secs(40);

/// So many bytes of an output are kept. A lesson prints a few thousand; a program in a loop has no
/// end.
const MOST: usize = 8 * 1024 * 1024;

/// What is listened to. The rest goes where ours goes.
#[derive(Clone, Copy, Debug)]
pub enum Ear {
    /// Standard output.
    Output,
    /// Standard output and standard error, as one.
    Everything,
}

/// How a program that was listened to ended.
#[derive(Clone, Debug)]
pub enum End {
    /// By itself.
    Exited(ExitStatus),
    /// By us: it did not end in time.
    OutOfTime,
    /// By us: somebody wants us to end.
    Interrupted(Signal),
}

/// What a program said, and how it ended.
#[derive(Clone, Debug)]
pub struct Captured {
    /// What was listened to.
    pub output: String,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub end: End,
}

/// Runs a program for at most `limit`.
pub fn capture(mut command: Command, ear: Ear, limit: Duration) -> io::Result<Captured> {
    let start = Instant::now();
    let (reader, writer) = io::pipe()?;
    if let Ear::Everything = ear {
        command.stderr(writer.try_clone()?);
    }
    let mut child = command.stdin(Stdio::null()).stdout(writer).process_group(0).spawn()?;
    drop(command); // it holds the pipe open, too
    // The program is in another group: what the terminal or the system tells us, it does not hear.
    let held = Held::back([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])?;

    let mut output = Vec::new();
    let end = listen(&mut child, reader, &mut output, &held, start + limit);
    if !matches!(end, Ok(End::Exited(_))) {
        end_group(&mut child)?;
    }
    let output = String::from_utf8_lossy(&output).into_owned();
    Ok(Captured { output, took: start.elapsed(), end: end? })
}

fn listen(
    child: &mut Child,
    reader: PipeReader,
    output: &mut Vec<u8>,
    held: &Held,
    deadline: Instant,
) -> io::Result<End> {
    let mut open = Some(reader);
    loop {
        if let Some(signal) = held.take() {
            return Ok(End::Interrupted(signal));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(End::OutOfTime);
        }
        match &mut open {
            Some(pipe) => {
                if ready(held, Some(pipe.as_fd()), left)? {
                    let mut block = [0; 4096];
                    match pipe.read(&mut block)? {
                        0 => open = None,
                        length => {
                            let room = (MOST - output.len()).min(length);
                            output.extend_from_slice(&block[..room]);
                        }
                    }
                }
            }
            // Its output is closed, so it is about to end; look every few milliseconds.
            None => match child.try_wait()? {
                Some(status) => return Ok(End::Exited(status)),
                None => {
                    ready(held, None, left.min(Duration::from_millis(5)))?;
                }
            },
        }
    }
}

/// Waits for output or for a signal; true if there is output to read.
fn ready(held: &Held, pipe: Option<std::os::fd::BorrowedFd>, left: Duration) -> io::Result<bool> {
    let mut sources = vec![PollFd::new(held.arrived().as_fd(), PollFlags::POLLIN)];
    sources.extend(pipe.map(|pipe| PollFd::new(pipe, PollFlags::POLLIN)));
    // Rounded up, so that the last fraction of a millisecond is slept through.
    let left = left + Duration::from_millis(1);
    match poll(&mut sources, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(sources.get(1).is_some_and(|pipe| pipe.any().unwrap_or(false)))
}

fn end_group(child: &mut Child) -> io::Result<()> {
    let leader = i32::try_from(child.id()).map_err(io::Error::other)?;
    // No such group: all of it has ended by itself meanwhile.
    match killpg(Pid::from_raw(leader), Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => return Err(error.into()),
    }
    child.wait().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, ear: Ear, limit: Duration) -> Captured {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        capture(command, ear, limit).expect("sh starts")
    }

    #[test]
    fn a_program_is_listened_to_until_it_ends() {
        let captured = shell("echo one; echo two; exit 3", Ear::Output, LIMIT);
        assert_eq!(captured.output, "one\ntwo\n");
        assert!(matches!(captured.end, End::Exited(status) if status.code() == Some(3)));
    }

    #[test]
    fn its_complaints_are_heard_in_their_place() {
        let captured = shell("echo one; echo two >&2; echo three", Ear::Everything, LIMIT);
        assert_eq!(captured.output, "one\ntwo\nthree\n");
    }

    #[test]
    fn of_an_output_without_end_only_the_beginning_is_kept() {
        let limit = Duration::from_secs(1);
        let captured = shell("exec yes 'on and on'", Ear::Output, limit);
        assert!(captured.output.starts_with("on and on\n") && captured.output.len() <= MOST);
        assert!(matches!(captured.end, End::OutOfTime));
        assert!(captured.took < Duration::from_secs(30));
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended_with_all_its_children() {
        // The inner sleep holds the pipe open: only ending the whole group ends the wait.
        let captured =
            shell("echo one; sleep 60 & sleep 60", Ear::Output, Duration::from_millis(300));
        assert_eq!(captured.output, "one\n");
        assert!(matches!(captured.end, End::OutOfTime));
        assert!(captured.took < Duration::from_secs(30));
    }
}
