//! Many circles; and nobody is left out.

mod exercise;
mod solution;

use cluster::Role;
use exercises::{Chance, Exercise, Verdict, same};

type Choose = fn(&[bool], usize) -> Option<usize>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::choose, solution::choose)
}

fn judge(_: Role, choose: Choose) -> Verdict {
    let mut chance = Chance::new(3);
    for _ in 0..2000 {
        let count = 1 + chance.below(6);
        let waits: Vec<bool> =
            (0..count).map(|_| chance.below(2) == 0).collect();
        let last = chance.below(count) as usize;
        // How many others come before, after `last`.
        let far =
            |&worker: &usize| (worker + waits.len() - last - 1) % waits.len();
        let expected = (0..waits.len()).filter(|&it| waits[it]).min_by_key(far);
        let what = format!("waits: {waits:?}, last: {last}; chosen");
        same(what, expected, choose(&waits, last))?;
    }
    Ok(())
}
