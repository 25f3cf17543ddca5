//! How is heavy work shared out and collected?
//!
//! `cargo run -p main-runner -- calculate`
//!
//! The primary splits a task into parts (`task.rs`), keeps count of them
//! (`queue.rs`), and hands them to its workers (`crew.rs`). They compute
//! (`worker.rs`, `kernel.rs`). Read in this order.

mod by_hand;
mod crew;
mod estimate;
mod kernel;
mod queue;
mod report;
mod sieve;
mod task;
mod text;
mod voice;
mod worker;

use clap::error::ErrorKind;
use cluster::{Primary, Role};
use narrator::{Failure, Outcome, Telling};

use crew::Crew;
use report::Done;
use task::{Refusal, Task};
use voice::Voice;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The flags of this lesson.
#[derive(clap::Parser, Clone, Debug, Default)]
#[command(about = "How is heavy work shared out and collected?")]
pub struct Args {
    /// What to compute: factorial N, sum FROM TO, primes N, fibonacci N
    /// [without it: a story about all four]
    #[arg(value_name = "TASK", allow_negative_numbers = true)]
    pub words: Vec<String>,

    /// How many workers compute
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=64))]
    pub workers: u16,

    /// Print all digits of the result
    #[arg(long, requires = "words")]
    pub full: bool,

    /// Print the result as a line of JSON, and nothing else
    #[arg(long)]
    pub json: bool,

    /// Compute it even if it will take very long, or very much memory
    #[arg(long)]
    pub anyway: bool,

    /// Kill so many workers (SIGKILL) while they compute
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub kill: u32,

    /// Let the part with this number end every worker that takes it
    #[arg(long, value_name = "PART")]
    pub poison: Option<usize>,

    /// Tell it on bare system calls: fork(2), pipe(2), poll(2)
    #[arg(long, conflicts_with_all = ["full", "json", "kill"])]
    pub by_hand: bool,

    /// How the story is told
    #[command(flatten)]
    pub telling: Telling,
}

/// Runs the lesson.
///
/// # Errors
/// What went wrong, and what to do about it.
pub fn run(role: Role, args: Args) -> Outcome {
    match role {
        Role::Worker(me) => worker::work(me, args.poison),
        Role::Primary(primary) => {
            let tasks = tasks(&args)?;
            match args.by_hand {
                true => by_hand::run(&args, tasks),
                false => lead(primary, &args, tasks),
            }
        }
    }
}

/// What the command names, or everything.
fn tasks(args: &Args) -> Result<Vec<Task>> {
    if args.words.is_empty() {
        return Ok(Task::all());
    }
    let task = Task::parse(&args.words).map_err(|refusal| match refusal {
        Refusal::Wrong(failure) => wrong_usage(&failure),
        Refusal::TooLarge(failure) => failure,
    })?;
    if !args.anyway {
        estimate::check(&task, args.workers.into())?;
    }
    Ok(vec![task])
}

/// Ends with exit code 2, as for every wrong command.
fn wrong_usage(failure: &Failure) -> ! {
    let lines = format!("{failure:#}\n").replacen('\n', "\nhelp: ", 1);
    clap::Error::raw(ErrorKind::ValueValidation, lines).exit()
}

fn lead(primary: Primary, args: &Args, tasks: Vec<Task>) -> Outcome {
    let workers = args.workers.into();
    let voice = Voice::begin(args)?;
    let mut crew = Crew::start(primary, voice, workers, args.kill)?;
    let mut all = Vec::new();
    for task in tasks {
        let parts = task.split(workers);
        crew.voice.tell("primary", "shares out", report::share(&task, &parts));
        let compare = args.words.is_empty() && !args.json && workers > 1;
        let alone = match compare {
            true => Some(crew.compute(&task, &parts, 1)?.1),
            false => None,
        };
        let (answer, together) = crew.compute(&task, &parts, workers)?;
        let done = Done::new(task, answer, alone, together);
        crew.voice.tell("primary", "puts together", done.result());
        all.push(done);
    }
    let voice = crew.dismiss()?;
    report::print(&voice, &all, args)
}
