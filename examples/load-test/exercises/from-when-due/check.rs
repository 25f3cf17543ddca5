//! A server that hangs now and then, and a visitor that waits for each answer.

mod exercise;
mod solution;

use cluster::Role;
use exercises::{Chance, Exercise, Verdict, same};

type Latencies = fn(u64, &[u64], &[u64]) -> Vec<u64>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::latencies, solution::latencies)
}

fn judge(_: Role, latencies: Latencies) -> Verdict {
    let mut chance = Chance::new(8);
    for _ in 0..300 {
        let every = 1 + chance.below(20);
        let mut free = 0;
        let (mut sent, mut answered) = (Vec::new(), Vec::new());
        let mut expected = Vec::new();
        for number in 0..1 + chance.below(8) {
            let due = number * every;
            sent.push(due.max(free));
            free = due.max(free) + chance.below(30);
            answered.push(free);
            expected.push(free - due);
        }
        let what = format!(
            "latencies, every {every} ms, sent {sent:?}, answered {answered:?}"
        );
        same(what, expected, latencies(every, &sent, &answered))?;
    }
    Ok(())
}
