//! Many histories of deaths, then a storm: workers that die at birth.

mod exercise;
mod solution;

use std::iter::repeat_n;
use std::time::{Duration, Instant};

use cluster::{Event, Primary, Role};
use exercises::{Chance, Exercise, Verdict, Wrong, same};

type Delay = fn(&[Duration]) -> Option<Duration>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::delay, solution::delay)
}

fn judge(role: Role, delay: Delay) -> Verdict {
    match role {
        Role::Worker(_) => std::process::exit(1), // dies at birth
        Role::Primary(primary) => {
            decides(delay)?;
            ends_a_storm(primary, delay)
        }
    }
}

fn decides(delay: Delay) -> Verdict {
    let mut chance = Chance::new(7);
    // Short histories first: where one is judged wrong, it is easy to read.
    for count in (1..=12).flat_map(|count| repeat_n(count, 170)) {
        let mut now = 0;
        let gaps = chance.numbers(count, 6).into_iter();
        let seconds: Vec<u64> = gaps
            .map(|gap| {
                now += gap;
                now
            })
            .collect();
        let recent = seconds.iter().filter(|&&at| at + 10 > now).count();
        let expected = match recent {
            5.. => None,
            few => Some(Duration::from_millis(50 << few)),
        };
        let deaths: Vec<_> =
            seconds.iter().copied().map(Duration::from_secs).collect();
        let what = format!("the delay after deaths at {seconds:?} s");
        same(what, expected, delay(&deaths))?;
    }
    Ok(())
}

fn ends_a_storm(mut primary: Primary, delay: Delay) -> Verdict {
    println!("your delays in a storm:");
    let start = Instant::now();
    let mut deaths = Vec::new();
    primary.fork()?;
    while let Some(event) = primary.next_event()? {
        let Event::Exit { worker, .. } = event else { continue };
        deaths.push(start.elapsed());
        match delay(&deaths) {
            Some(wait) => {
                println!("{worker}  dies at birth; waits {wait:?}");
                primary.fork_after(wait, Some(worker))?;
            }
            None => println!("{worker}  dies at birth; you give up"),
        }
        if deaths.len() > 5 {
            let seen = format!("{} workers, and no end", deaths.len());
            return Err(Wrong::new("5 workers in the storm", seen).into());
        }
    }
    Ok(())
}
