//! Slices of many lengths; each thread is seen at work.

mod exercise;
mod solution;

use std::collections::HashMap;
use std::sync::Mutex;
use std::thread::{self, ThreadId};

use cluster::Role;
use exercises::{Chance, Exercise, Verdict, Wrong, same};

type Map = fn(&[u64], usize, fn(u64) -> u64) -> Vec<u64>;

/// How often each thread was seen.
static SEEN: Mutex<Option<HashMap<ThreadId, usize>>> = Mutex::new(None);

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::map, solution::map)
}

fn judge(_: Role, map: Map) -> Verdict {
    let mut chance = Chance::new(9);
    for _ in 0..100 {
        let threads = 1 + chance.below(6) as usize;
        let count = threads as u64 * (1 + chance.below(5));
        let numbers = chance.numbers(count, 100);
        *SEEN.lock()? = Some(HashMap::new());
        let squares = map(&numbers, threads, square);
        let what = format!("the squares of {numbers:?}");
        let expected = numbers.iter().map(|it| it * it).collect();
        same(what, expected, squares)?;

        let seen = SEEN.lock()?.take().unwrap_or_default();
        let all =
            format!("{count} numbers and {threads} threads: threads seen");
        same(all, threads, seen.len())?;
        if seen.contains_key(&thread::current().id()) {
            let seen = "the thread that called it worked, too";
            return Err(Wrong::new("new threads alone at work", seen).into());
        }
        let all =
            format!("{count} numbers and {threads} threads: numbers on each");
        let same_part = vec![numbers.len() / threads; threads];
        same(all, same_part, seen.into_values().collect())?;
    }
    Ok(())
}

fn square(number: u64) -> u64 {
    // A panic elsewhere leaves nothing half done in it.
    let mut seen = SEEN.lock().unwrap_or_else(|poison| poison.into_inner());
    if let Some(seen) = &mut *seen {
        *seen.entry(thread::current().id()).or_default() += 1;
    }
    number * number
}
