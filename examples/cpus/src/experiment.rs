//! The experiment: the same work, by more and more workers.

use std::error::Error;
use std::time::{Duration, Instant};

use cluster::WorkerId;
use narrator::{Outcome, Story};

use crate::proc::{self, Cpu};
use crate::{Args, dice};

/// The best of so many tries counts: other programs can only slow one down.
const TRIES: u32 = 3;

/// After so long there is no further try: the machine is slow, or busy.
const PATIENCE: Duration = Duration::from_millis(500);

/// More CPUs than this are not tried out unless somebody asks for it.
const MOST_CPUS: usize = 16;

/// How many CPUs there are, and how many of them are ours.
pub(crate) fn tell_counts(
    story: &Story,
    cpus: &[Cpu],
    allowed: usize,
    args: &Args,
) {
    let machine = many(cpus.len(), "CPU");
    story.tell("primary", "finds", format!("{machine} in the machine"));
    if args.table {
        story.show(proc::table(cpus));
    }
    story.tell("primary", "may use", format!("{allowed} of them"));
}

/// How many workers to try: one, one per CPU, and twice as many.
// ANCHOR: counts
pub(crate) fn counts(allowed: usize, args: &Args) -> Vec<usize> {
    if !args.workers.is_empty() {
        return args.workers.iter().map(|&count| count as usize).collect();
    }
    let per_cpu = allowed.min(MOST_CPUS);
    let mut counts = vec![1, per_cpu, 2 * per_cpu];
    counts.dedup(); // with a single CPU, one per CPU is one
    counts
}
// ANCHOR_END: counts

/// Measures each number of workers, and tells what it sees. `throw` throws the
/// whole pile with so many workers, and says how long it took.
pub(crate) fn tell(
    story: &Story,
    counts: &[usize],
    mut throw: impl FnMut(usize) -> Result<Duration, Box<dyn Error>>,
) -> Outcome {
    story.tell("primary", "has", "one pile of dice for its workers to throw");
    let mut times: Vec<f64> = Vec::new();
    for &count in counts {
        let start = Instant::now();
        let mut best = throw(count)?;
        for _ in 1..TRIES {
            if start.elapsed() > PATIENCE {
                break;
            }
            best = best.min(throw(count)?);
        }
        let took = best.as_secs_f64();
        times.push(took);
        let workers = many(count, "worker");
        let faster = match times[..] {
            [first, .., last] => format!(", {:.1} times as fast", first / last),
            _ => String::new(),
        };
        let result = format!("{workers}: {:.0} ms{faster}", took * 1000.0);
        story.tell("primary", "measures", result);
    }
    if let ([.., fewer, more], [.., before, after]) = (counts, &times[..]) {
        let workers = many(*more, "worker");
        let times = format!("{:.1} times the time of {fewer}", after / before);
        story.tell("primary", "sees", format!("{workers} finish in {times}"));
    }
    Ok(())
}

/// What one worker did.
pub(crate) struct Share {
    pub(crate) worker: WorkerId,
    pub(crate) sixes: u32,
    /// Where it was seen.
    pub(crate) place: String,
}

/// For the picture: what was sent, and what came back.
pub(crate) fn draw(story: &Story, thrown: &[Share]) {
    let dice = format!("throw {} dice", dice::share(thrown.len()));
    let mut workers: Vec<WorkerId> =
        thrown.iter().map(|it| it.worker).collect();
    workers.sort_unstable();
    for worker in workers {
        story.aside("primary", format!("tells {worker}:"), &dice);
    }
    for Share { worker, sixes, .. } in thrown {
        story.aside(worker, "answers:", format!("{sixes} sixes"));
    }
}

fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_cpu_is_measured_with_one_worker_and_with_two() {
        assert_eq!(counts(1, &Args::default()), [1, 2]);
        assert_eq!(counts(2, &Args::default()), [1, 2, 4]);
        assert_eq!(counts(64, &Args::default()), [1, 16, 32]);
    }

    #[test]
    fn whoever_names_numbers_gets_them() {
        let args = Args { workers: vec![3, 1], ..Args::default() };
        assert_eq!(counts(8, &args), [3, 1]);
    }
}
