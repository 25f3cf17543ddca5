//! Many circles with workers that are busy or not.

mod exercise;
mod solution;

use cluster::Role;
use exercises::{Chance, Exercise, Verdict, same};

type Choose = fn(&[u32], usize) -> usize;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::choose, solution::choose)
}

fn judge(_: Role, choose: Choose) -> Verdict {
    let mut chance = Chance::new(4);
    for _ in 0..2000 {
        let count = 1 + chance.below(5);
        let open = chance.numbers(count, 4);
        let open: Vec<u32> = open.into_iter().map(|it| it as u32).collect();
        let last = chance.below(count) as usize;
        let way = |worker: usize| (worker + open.len() - last - 1) % open.len();
        let expected = (0..open.len()).min_by_key(|&it| (open[it], way(it)));
        let what = format!("open: {open:?}, last: {last}; chosen");
        same(what, expected, Some(choose(&open, last)))?;
    }
    Ok(())
}
