//! Many answers in many orders.

mod exercise;
mod solution;

use std::collections::BTreeMap;

use cluster::Role;
use exercises::{Chance, Exercise, Verdict, same};

type Came = fn(u64, u64, &mut u64, &mut BTreeMap<u64, u64>) -> Vec<u64>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::came, solution::came)
}

fn judge(_: Role, came: Came) -> Verdict {
    let mut chance = Chance::new(5);
    for _ in 0..300 {
        let count = 1 + chance.below(9);
        let mut order: Vec<u64> = (0..count).collect();
        for at in 1..order.len() {
            order.swap(at, chance.below(at as u64 + 1) as usize);
        }
        let (mut next, mut kept) = (0, BTreeMap::new());
        let mut told = Vec::new();
        for (step, &part) in order.iter().enumerate() {
            told.extend(came(part, part * part, &mut next, &mut kept));
            let so_far = &order[..=step];
            let ready = (0..count).take_while(|part| so_far.contains(part));
            let expected: Vec<u64> = ready.map(|part| part * part).collect();
            let what = format!("told when the parts {so_far:?} have come");
            same(what, &expected, &told)?;
        }
    }
    Ok(())
}
