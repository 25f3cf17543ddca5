//! Many sets of latencies, judged by what the word means.

mod exercise;
mod solution;

use cluster::Role;
use exercises::{Chance, Exercise, Verdict, same};

type Percentile = fn(&[u64], usize) -> Option<u64>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::percentile, solution::percentile)
}

fn judge(_: Role, percentile: Percentile) -> Verdict {
    same("p50 of nothing", None, percentile(&[], 50))?;
    let mut chance = Chance::new(6);
    for _ in 0..1000 {
        let count = 1 + chance.below(12);
        let mut sorted = chance.numbers(count, 50);
        sorted.sort_unstable();
        let percent = 1 + chance.below(100);
        let enough = |latency: u64| {
            let within = sorted.iter().filter(|&&it| it <= latency).count();
            100 * within as u64 >= percent * count
        };
        let expected = sorted.iter().copied().find(|&it| enough(it));
        let what = format!("p{percent} of {sorted:?}");
        same(what, expected, percentile(&sorted, percent as usize))?;
    }
    Ok(())
}
