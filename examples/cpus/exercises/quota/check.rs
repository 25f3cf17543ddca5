//! Limits of all kinds, and what is none.

mod exercise;
mod solution;

use cluster::Role;
use exercises::{Chance, Exercise, Verdict, same};

type Workers = fn(&str, usize) -> usize;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::workers, solution::workers)
}

fn judge(_: Role, workers: Workers) -> Verdict {
    let is = |cpu_max: &str, allowed, expected| {
        let what = format!("workers, if {cpu_max:?} and {allowed} CPUs");
        same(what, expected, workers(cpu_max, allowed))
    };
    is("150000 100000\n", 8, 1)?;
    is("max 100000\n", 8, 8)?;
    is("50000 100000\n", 8, 1)?;
    is("1600000 100000\n", 8, 8)?;
    for unreadable in ["", "\n", "200000", "two 100000", "200000 0"] {
        is(unreadable, 8, 8)?;
    }
    let mut chance = Chance::new(1);
    for _ in 0..1000 {
        let allowed = 1 + chance.below(64);
        let (period, hundredths) =
            (1000 * (1 + chance.below(900)), 1 + chance.below(9000));
        let cpu_max = format!("{} {period}\n", period * hundredths / 100);
        let expected = (hundredths / 100).clamp(1, allowed);
        is(&cpu_max, allowed as usize, expected as usize)?;
    }
    Ok(())
}
