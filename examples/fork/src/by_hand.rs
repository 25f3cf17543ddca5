//! The same story on bare system calls: fork(2), pipe(2), waitpid(2).
//!
//! `cargo run -p main-runner -- fork --by-hand`

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process;

use host::Ends;
use narrator::{Failure, Outcome, Story};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
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

/// All reports together are shorter, in bytes.
const LONGEST: u64 = 1024 * 1024;

fn lead(story: &Story, args: &Args) -> Outcome {
    let (primary, counter) = (getpid(), args.counter);
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
                exit_now(work(number, primary, counter, report, leave));
            }
        }
        // ANCHOR_END: fork
    }

    drop(report); // ours; the pipe ends when the last worker has closed its own
    for line in BufReader::new(reports.take(LONGEST)).lines() {
        tell_line(story, &line?)?;
    }
    story.tell("primary", "still has", format!("a counter of {counter}"));
    drop(stay); // every worker reads the end of the pipe, and leaves
    let mut ends = Ends::default();
    for (number, child) in children {
        let exit = host::ended(waitpid(child, None)?);
        ends.tell(story, name(number), exit, true)?;
    }
    Ok(ends.outcome()?)
}

/// A worker's whole life. It begins in the middle of the program, with a copy
/// of everything that the primary had at that moment.
fn work(
    number: u32,
    primary: Pid,
    mut counter: u32,
    mut report: PipeWriter,
    mut leave: PipeReader,
) -> io::Result<()> {
    follow(primary)?;
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

/// Whatever happens to the primary, this process follows it, even one that is
/// stopped (SIGSTOP) and reads no end of any pipe.
fn follow(primary: Pid) -> io::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != primary {
        return Err(io::Error::other("the primary died before that"));
    }
    Ok(())
}

fn tell_line(story: &Story, line: &str) -> Outcome {
    let (number, deed) = line.split_once(' ').ok_or_else(|| {
        Failure::new(format!("not a report: {line:?}"), "look at work()")
    })?;
    story.tell(format!("worker {number}"), deed, "");
    Ok(())
}

pub(crate) fn name(number: u32) -> String {
    format!("worker {number}")
}

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
