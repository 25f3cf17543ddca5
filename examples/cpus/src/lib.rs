//! How many workers should there be?
//!
//! `cargo run -p main-runner -- cpus`

mod by_hand;
mod cgroup;
mod dice;
mod experiment;
mod place;
mod proc;

use std::error::Error;
use std::time::Instant;

use cluster::{Event, Primary, Role, Settings, Stdio, Worker, WorkerId};
use host::Ends;
use narrator::{Failure, Outcome, Story, Telling};

use experiment::Share;
use place::Place;

/// The flags of this lesson.
#[derive(clap::Parser, Clone, Debug, Default)]
#[command(about = "How many workers should there be?")]
pub struct Args {
    /// Measure these numbers of workers: 1,2,3,4,8
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=64))]
    pub workers: Vec<u32>,

    /// Also show each CPU's model, and how it has spent its time
    #[arg(long)]
    pub table: bool,

    /// Also tell on which CPUs the workers were seen
    #[arg(long)]
    pub r#where: bool,

    /// Tell it on bare system calls: sched_getaffinity(2), fork(2)
    #[arg(long)]
    pub by_hand: bool,

    /// By hand: pin each worker to one CPU
    #[arg(long, requires = "by_hand")]
    pub pin: bool,

    /// How the story is told.
    #[command(flatten)]
    pub telling: Telling,
}

/// Runs the lesson.
///
/// # Errors
/// What went wrong, and what to do about it.
pub fn run(role: Role, args: Args) -> Outcome {
    match role {
        Role::Primary(_) if args.by_hand => by_hand::run(&args),
        Role::Primary(primary) => lead(primary, &args),
        Role::Worker(me) => work(me),
    }
}

fn lead(mut primary: Primary, args: &Args) -> Outcome {
    let story = Story::begin(&args.telling)?;
    // ANCHOR: allowed
    let allowed = cluster::available_parallelism();
    // ANCHOR_END: allowed
    experiment::tell_counts(&story, &proc::cpus()?, allowed, args);
    let counts = experiment::counts(allowed, args);
    let most = counts.iter().copied().max().unwrap_or(1);
    primary.setup(Settings::new().stderr(Stdio::Lines));
    let workers = (0..most)
        .map(|_| primary.fork())
        .collect::<Result<Vec<WorkerId>, _>>()?;
    let mut places = Vec::new();
    experiment::tell(&story, &counts, |count| {
        let (start, is_first) = (Instant::now(), places.is_empty());
        places = throw(&mut primary, &workers[..count])?;
        let took = start.elapsed();
        if is_first {
            experiment::draw(&story, &places); // all are alike
        }
        Ok(took)
    })?;
    if args.r#where {
        for Share { worker, place, .. } in places {
            if let Some(pid) = primary.pid(worker) {
                story.meet(worker, pid);
            }
            story.tell(worker, place, "");
        }
    }
    primary.disconnect_all();
    let mut ends = Ends::default();
    while let Some(event) = primary.next_event()? {
        if let Event::Exit { worker, exit, voluntary } = event {
            ends.note(worker, exit, voluntary);
        }
    }
    Ok(ends.outcome()?)
}

/// Shares the pile out, and waits until it is thrown.
fn throw(
    primary: &mut Primary,
    workers: &[WorkerId],
) -> Result<Vec<Share>, Box<dyn Error>> {
    // ANCHOR: throw
    for &worker in workers {
        primary.send(worker, dice::share(workers.len()))?;
    }
    // ANCHOR_END: throw
    let mut places = Vec::new();
    while places.len() < workers.len() {
        let trouble = match primary.next_event()? {
            Some(Event::Message(worker, answer)) => {
                let (sixes, place) = answer.parse()?;
                places.push(Share { worker, sixes, place });
                continue;
            }
            Some(Event::Output(worker, line)) => {
                format!("{worker} says: {line}")
            }
            Some(Event::Exit { worker, exit, .. }) => {
                format!("{worker} {exit}")
            }
            Some(Event::Error(worker, error)) => format!("{worker}: {error}"),
            Some(_) => continue,
            None => "no worker is left".to_owned(),
        };
        return Err(Failure::new(trouble, "try --workers 1,2").into());
    }
    Ok(places)
}

// ANCHOR: worker
fn work(mut me: Worker) -> Outcome {
    let mut place = Place::default();
    while let Some(message) = me.recv()? {
        let dice = message.parse()?;
        let sixes = dice::throw(dice, &mut place)?;
        me.send((sixes, place.told()?))?;
    }
    Ok(())
}
// ANCHOR_END: worker
