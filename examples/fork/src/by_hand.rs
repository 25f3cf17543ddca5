//! The same story on bare system calls: fork(2), pipe(2), waitpid(2).
//!
//! `cargo run -p main-runner -- fork --by-hand`

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process;

use narrator::{Failure, Outcome, Story};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, getpid, getppid};
use os_pipe::{PipeReader, PipeWriter};

use crate::{Args, exhibits};

pub(crate) fn run(args: &Args) -> Outcome {
    // A story by hand has no thread: a thread would be missing in the child.
    let story = Story::by_hand(&args.telling)?;
    if args.half_line {
        exhibits::half_line(&story)
    } else if args.zombie {
        exhibits::zombie(&story)
    } else {
        lead(&story, args)
    }
}

fn lead(story: &Story, args: &Args) -> Outcome {
    let counter = args.counter;
    story.tell("primary", "is", format!("process {}", process::id()));

    let (reports, report) = os_pipe::pipe()?; // workers -> primary
    let (leave, stay) = os_pipe::pipe()?; // closed by the primary: leave!
    let mut children = Vec::new();
    for number in 1..=args.workers {
        story.tell("primary", "forks", name(number));
        // ANCHOR: fork
        match split()? {
            ForkResult::Parent { child } => {
                story.meet(name(number), child.as_raw().unsigned_abs());
                children.push((number, child));
            }
            ForkResult::Child => {
                drop((reports, stay)); // the primary's ends, copied as well
                exit_now(work(number, counter, report, leave));
            }
        }
        // ANCHOR_END: fork
    }

    // ANCHOR: reports
    drop(report); // ours; the pipe ends when the last worker has closed its own
    for line in BufReader::new(reports).lines() {
        tell_line(story, &line?)?;
    }
    story.tell("primary", "still has", format!("a counter of {counter}"));
    drop(stay); // every worker reads the end of the pipe, and leaves
    // ANCHOR_END: reports
    children.into_iter().try_for_each(|(number, child)| {
        tell_end(story, number, waitpid(child, None)?);
        Ok(())
    })
}

// ANCHOR: worker
/// A worker's whole life. It begins in the middle of the program, with a copy
/// of everything that the primary had at that moment.
fn work(
    number: u32,
    mut counter: u32,
    mut report: PipeWriter,
    mut leave: PipeReader,
) -> io::Result<()> {
    let was = counter;
    counter += number;
    let (pid, parent) = (getpid(), getppid());
    // One write(2) each: lines of several workers never mix.
    let line =
        format!("{number} is process {pid}, child of process {parent}\n");
    report.write_all(line.as_bytes())?;
    let line = format!("{number} raises its counter from {was} to {counter}\n");
    report.write_all(line.as_bytes())?;
    drop(report);
    leave.read(&mut [0]).map(drop) // sleeps until the primary closes its end
}
// ANCHOR_END: worker

fn tell_line(story: &Story, line: &str) -> Outcome {
    let (number, deed) = line.split_once(' ').ok_or_else(|| {
        Failure::new(format!("not a report: {line:?}"), "look at work()")
    })?;
    story.tell(format!("worker {number}"), deed, "");
    Ok(())
}

/// Tells how a worker ended. All of them are asked to leave.
pub(crate) fn tell_end(story: &Story, number: u32, status: WaitStatus) {
    match status {
        WaitStatus::Exited(_, 0) => {
            story.tell(name(number), "exits", "0, as asked");
        }
        WaitStatus::Exited(_, code) => {
            story.tell(name(number), "exits", format!("{code}, not asked"));
        }
        WaitStatus::Signaled(_, signal, _) => {
            story.tell(
                name(number),
                "killed by",
                format!("{signal}, not asked"),
            );
        }
        _ => {} // stopped or continued: only told to those who ask for it
    }
}

pub(crate) fn name(number: u32) -> String {
    format!("worker {number}")
}

// ANCHOR: split
/// fork(2): called once, returns twice.
pub(crate) fn split() -> Result<ForkResult, Box<dyn Error>> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads > 1 {
        let what = format!("cannot fork(2): {threads} threads run");
        return Err(Failure::new(what, "fork before threads start").into());
    }
    // SAFETY: this is the only thread. Had there been another one, it would be
    // missing in the child, and the locks that it held would stay locked.
    #[allow(unsafe_code)]
    let both = unsafe { fork() }?;
    Ok(both)
}

/// _exit(2): ends the process and nothing else.
///
/// `std::process::exit` would first print what waits in stdout's buffer. In a
/// child that buffer is a copy, and its bytes are the primary's to print.
pub(crate) fn exit_now(result: io::Result<()>) -> ! {
    let code = if result.is_ok() { 0 } else { 1 };
    // SAFETY: takes a number, touches no memory, and never returns.
    #[allow(unsafe_code)]
    unsafe {
        nix::libc::_exit(code)
    }
}
// ANCHOR_END: split
