//! The same story on bare system calls: sched_getaffinity(2), fork(2),
//! waitpid(2).
//!
//! `cargo run -p main-runner -- cpus --by-hand`

use std::error::Error;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use narrator::{Failure, Outcome, Story};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use os_pipe::PipeWriter;

use crate::place::{self, Place};
use crate::{Args, cgroup, dice, experiment, proc};

pub(crate) fn run(args: &Args) -> Outcome {
    // A story by hand has no thread: a thread would be missing in the child.
    let story = Story::by_hand(&args.telling)?;
    // ANCHOR: allowed
    let mask = place::mask()?;
    let quota = cgroup::quota().unwrap_or(usize::MAX);
    let allowed = mask.len().min(quota);
    // ANCHOR_END: allowed
    experiment::tell_counts(&story, &proc::cpus()?, allowed, args);
    let counts = experiment::counts(allowed, args);
    let pins = if args.pin { &mask[..] } else { &[] };
    let mut places = String::new();
    experiment::tell(&story, &counts, |count| {
        let (took, said) = throw(count, pins)?;
        places = said;
        Ok(took)
    })?;
    if args.r#where {
        for (worker, place) in places.lines().filter_map(|l| l.split_once(':'))
        {
            story.tell(worker, place, "");
        }
    }
    Ok(())
}

/// What a pipe holds, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Throws the pile with so many workers. Each is forked for this, works, says
/// where it was, and ends. The end is the message that its work is done.
fn throw(
    workers: usize,
    pins: &[usize],
) -> Result<(Duration, String), Box<dyn Error>> {
    let dice = dice::share(workers);
    let (primary, (places, place)) = (getpid(), os_pipe::pipe()?);
    let start = Instant::now();
    let mut children = Vec::new();
    for number in 1..=workers {
        let pin = pins.get((number - 1) % pins.len().max(1));
        match split()? {
            ForkResult::Parent { child } => children.push(child),
            ForkResult::Child => {
                let worked = follow(primary)
                    .and_then(|()| work(number, dice, pin, place));
                exit_now(worked)
            }
        }
    }
    for child in children {
        match waitpid(child, None)? {
            WaitStatus::Exited(_, 0) => {}
            status => return Err(failure(status).into()),
        }
    }
    let took = start.elapsed();
    drop(place); // ours; the pipe ends when nobody holds its other end
    let mut said = String::new();
    // All of it fits into the pipe.
    places.take(LONGEST).read_to_string(&mut said)?;
    Ok((took, said))
}

/// Whatever happens to the primary, this process follows it, even one that is
/// stopped (SIGSTOP).
fn follow(primary: Pid) -> io::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    match getppid() == primary {
        true => Ok(()),
        false => Err(io::Error::other("the primary died before that")),
    }
}

fn work(
    number: usize,
    dice: u32,
    pin: Option<&usize>,
    mut place: PipeWriter,
) -> io::Result<()> {
    if let Some(&cpu) = pin {
        let mut mask = CpuSet::new();
        mask.set(cpu)?;
        sched_setaffinity(Pid::from_raw(0), &mask)?;
    }
    let mut seen = Place::default();
    std::hint::black_box(dice::throw(dice, &mut seen)?);
    let line = format!("worker {number}:{}\n", seen.told()?);
    place.write_all(line.as_bytes())
}

fn failure(status: WaitStatus) -> Failure {
    Failure::new(
        format!("a worker did not finish: {status:?}"),
        "run it with fewer workers: --workers 1,2",
    )
}

/// fork(2): called once, returns twice. The lesson `fork` is about it.
fn split() -> Result<ForkResult, Box<dyn Error>> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads > 1 {
        let what = format!("cannot fork(2): {threads} threads run");
        return Err(Failure::new(what, "fork before threads start").into());
    }
    // SAFETY: this is the only thread, so nothing is missing in the child.
    #[allow(unsafe_code)]
    let both = unsafe { fork() }?;
    Ok(both)
}

/// _exit(2): ends the process and nothing else. What waits in its copies of
/// buffers is the primary's to print.
fn exit_now(result: io::Result<()>) -> ! {
    let code = if result.is_ok() { 0 } else { 1 };
    // SAFETY: takes a number, touches no memory, and never returns.
    #[allow(unsafe_code)]
    unsafe {
        nix::libc::_exit(code)
    }
}
