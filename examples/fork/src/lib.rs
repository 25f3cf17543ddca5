//! What does it mean to start a worker?
//!
//! `cargo run -p main-runner -- fork`

mod by_hand;
mod exhibits;

use std::os::unix::process::parent_id;
use std::process;

use cluster::{Event, Primary, Role, Settings, Stdio, Worker, WorkerId};
use host::Ends;
use narrator::{Failure, Outcome, Story, Telling};
use serde::{Deserialize, Serialize};

/// The flags of this lesson.
#[derive(clap::Parser, Clone, Debug, Default)]
#[command(about = "What does it mean to start a worker?")]
pub struct Args {
    /// How many workers the primary forks
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=64))]
    pub workers: u32,

    /// What the primary sets its counter to before it forks
    #[arg(long, value_name = "N", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub counter: u32,

    /// Tell it on bare system calls: fork(2), pipe(2), waitpid(2)
    #[arg(long)]
    pub by_hand: bool,

    /// By hand: half a line that is printed twice
    #[arg(long, requires = "by_hand", conflicts_with = "zombie")]
    pub half_line: bool,

    /// By hand: a worker that has ended and is still there
    #[arg(long, requires = "by_hand")]
    pub zombie: bool,

    /// How the story is told.
    #[command(flatten)]
    pub telling: Telling,
}

/// Runs the lesson.
///
/// # Errors
/// What went wrong, and what to do about it.
pub fn run(role: Role, args: Args) -> Outcome {
    if args.by_hand {
        return by_hand::run(&args);
    }
    // ANCHOR: role
    let mut counter = 0; // every process of this program comes by here
    match role {
        Role::Primary(primary) => {
            counter += args.counter; // only the primary comes by here
            lead(primary, counter, &args)
        }
        Role::Worker(me) => work(me, counter),
    }
    // ANCHOR_END: role
}

/// What a worker says about itself.
#[derive(Deserialize, Serialize)]
struct Report {
    pid: u32,
    parent: u32,
    was: u32,
    is: u32,
}

fn lead(mut primary: Primary, counter: u32, args: &Args) -> Outcome {
    let story = Story::begin(&args.telling)?;
    story.tell("primary", "is", format!("process {}", process::id()));
    primary.setup(Settings::new().stderr(Stdio::Lines));
    // ANCHOR: primary
    for _ in 0..args.workers {
        let worker = primary.fork()?;
        story.tell("primary", "forks", worker);
    }
    // ANCHOR_END: primary
    let (mut reports, mut ends) = (0, Ends::default());
    while let Some(event) = primary.next_event()? {
        match event {
            Event::Message(worker, message) => {
                tell_report(&story, worker, message.parse()?);
                reports += 1;
                if reports == args.workers {
                    let value = format!("a counter of {counter}");
                    story.tell("primary", "still has", value);
                    primary.disconnect_all();
                }
            }
            Event::Exit { worker, exit, voluntary } => {
                let expected = ends.tell(&story, worker, exit, voluntary);
                // If not, the story cannot be told to its end.
                let _ = expected.inspect_err(|_| primary.disconnect_all());
            }
            Event::Output(worker, line) => story.tell(worker, "says:", line),
            Event::Error(_, error) => return Err(error.into()),
            _ => {}
        }
    }
    if reports < args.workers {
        let what = format!("{reports} of {} workers reported", args.workers);
        return Err(Failure::new(what, "run it again with --workers 1").into());
    }
    Ok(ends.outcome()?)
}

// ANCHOR: worker
fn work(mut me: Worker, mut counter: u32) -> Outcome {
    let was = counter;
    counter += me.id().get(); // worker 2 adds 2
    let (pid, parent) = (process::id(), parent_id());
    me.send(Report { pid, parent, was, is: counter })?;
    me.recv()?; // nothing comes but the request to leave
    Ok(())
}
// ANCHOR_END: worker

fn tell_report(story: &Story, worker: WorkerId, report: Report) {
    let Report { pid, parent, was, is } = report;
    story.meet(worker, pid);
    let process = format!("process {pid}, child of process {parent}");
    story.tell(worker, "is", process);
    story.tell(worker, "raises its counter", format!("from {was} to {is}"));
}
