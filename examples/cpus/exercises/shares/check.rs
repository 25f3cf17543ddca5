//! Many piles for many crews.

mod exercise;
mod solution;

use cluster::Role;
use exercises::{Chance, Exercise, Verdict, Wrong, same};

type Shares = fn(u64, u64) -> Vec<u64>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::shares, solution::shares)
}

fn judge(_: Role, shares: Shares) -> Verdict {
    let mut chance = Chance::new(2);
    for _ in 0..1000 {
        let (throws, workers) = (chance.below(1000), 1 + chance.below(16));
        let what = format!("{throws} throws for {workers} workers");
        let shares = shares(throws, workers);
        same(format!("{what}: shares"), workers, shares.len() as u64)?;
        same(format!("{what}: in all"), throws, shares.iter().sum())?;
        let (least, most) = (shares.iter().min(), shares.iter().max());
        let gap = most.unwrap_or(&0) - least.unwrap_or(&0);
        if gap > 1 {
            let fair = format!("{what}: a difference of 1 at most");
            return Err(Wrong::new(fair, format!("{shares:?}")).into());
        }
    }
    Ok(())
}
