//! Threads or processes? `cargo run -p main-runner -- threads`
//!
//! The same work on one thread, on a pool of threads, on workers. Then one
//! task goes wrong. Read from the top.

mod crew;
mod files;
mod mishap;
mod proc;
mod report;
mod scenes;
mod task;
mod worker;

use cluster::{Primary, Role, Settings, Stdio};
use narrator::{Failure, Outcome, Story, Telling};

use crate::crew::Arrangement;
use crate::mishap::Mishap;
use crate::report::{Job, Row};
use crate::task::Task;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Threads or processes?
#[derive(clap::Parser, Clone, Debug, Default)]
#[command(about)]
pub struct Args {
    /// How many threads, and how many workers
    #[arg(long, value_name = "N", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u8).range(2..=16))]
    pub workers: u8,
    /// Measure nothing, only let one task go wrong
    #[arg(long, value_name = "HOW")]
    pub mishap: Option<mishap::Mishap>,
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
        Role::Worker(me) => worker::work(me),
        Role::Primary(primary) => {
            let story = Story::begin(&args.telling)?;
            let hands = args.workers.max(2).into();
            Play { primary, story, hands }.run(args.mishap)
        }
    }
}

/// The primary, and the story that it tells.
struct Play {
    primary: Primary,
    story: Story,
    hands: usize,
}

impl Play {
    fn run(mut self, only: Option<Mishap>) -> Outcome {
        self.primary.setup(Settings::new().stderr(Stdio::Lines));
        let crews = Arrangement::three(self.hands);
        let rows = match only {
            Some(_) => Vec::new(),
            None => self.measure_all(&crews)?,
        };
        let mut mishaps = Vec::new();
        for mishap in mishap::ALL {
            if only.is_none_or(|only| only == mishap) {
                mishaps.push((mishap, self.go_wrong(mishap, &crews)?));
            }
        }
        if !rows.is_empty() {
            self.story.show(report::work_table(&rows));
        }
        self.story.show(report::mishap_table(&crews, &mishaps));
        for (row, &aborted) in rows.iter().zip(&mishaps[0].1) {
            let price = report::price(row, &rows[0], aborted);
            self.story.tell("primary", "pays for", price);
            let choice = report::choice(row.crew);
            self.story.tell("primary", "chooses", choice);
        }
        Ok(())
    }

    fn measure_all(&mut self, crews: &[Arrangement]) -> Result<Vec<Row>> {
        let (keeper, folder) = self.make_files()?;
        let jobs = [Task::files(&folder), Task::primes()];
        let mut rows: Vec<Row> = Vec::new();
        let mut results = Vec::new();
        for &crew in crews {
            let (row, result) = self.measure(crew, &jobs)?;
            let speed = report::speed(&row, rows.first());
            self.story.tell("primary", "measures", speed);
            rows.push(row);
            results.push(result);
        }
        results.dedup();
        if results.len() > 1 {
            return lost(format!("the results differ: {results:?}"));
        }
        self.story.tell("primary", "has the same result from all three", "");
        self.remove_files(keeper, &folder)?;
        Ok(rows)
    }

    fn measure(
        &mut self,
        arrangement: Arrangement,
        [files, primes]: &[Vec<Task>; 2],
    ) -> Result<(Row, [u64; 2])> {
        let (crew, _) = self.hire(arrangement)?;
        let files = self.give_all(&crew, files)?;
        let primes = self.give_all(&crew, primes)?;
        self.dismiss(&crew.workers)?;
        let row = Row {
            crew: arrangement,
            files: Job::of(&files),
            primes: Job::of(&primes),
            cost: primes.cost,
        };
        Ok((row, [files.result, primes.result]))
    }
}

/// What nobody expects is a failure.
fn lost<T>(what: impl Into<String>) -> Result<T> {
    let advice = "Run it again, with fewer hands: --workers 2";
    Err(Failure::new(what, advice).into())
}
