//! One worker leaves at once, one finishes its work, and one hears nothing.

mod exercise;
mod solution;

use std::thread;
use std::time::{Duration, Instant};

use cluster::{Error, Event, Primary, Role, Worker};
use exercises::{Diary, Events, Exercise, Verdict, Wrong, same, stay};

type Stop = fn(&mut Primary, Duration) -> Result<(), Error>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::stop, solution::stop)
}

fn judge(role: Role, stop: Stop) -> Verdict {
    match role {
        Role::Worker(me) => work(me),
        Role::Primary(mut primary) => {
            let diary = Diary::open(&mut primary)?;
            for workers in [2, 3] {
                let start = Instant::now();
                // Two of them need far less, the third one for ever.
                let grace =
                    Duration::from_secs(if workers == 2 { 8 } else { 1 });
                crew(&mut primary, workers)?;
                stop(&mut primary, grace)?;
                let what = "workers that finished their work";
                same(what, 2, diary.entries().len())?;
                same("workers left", 0, primary.workers().count())?;
                if start.elapsed() > Duration::from_secs(5) {
                    let seen = format!("it took {:?}", start.elapsed());
                    let expected = "an end as soon as everybody has left";
                    return Err(Wrong::new(expected, seen).into());
                }
            }
            Ok(())
        }
    }
}

/// Forks so many, and waits until they are at work.
fn crew(primary: &mut Primary, workers: u32) -> Verdict {
    for number in 1..=workers {
        let worker = primary.fork()?;
        primary.send(worker, number)?;
        primary.until("a worker at work", |event| {
            matches!(event, Event::Message(..)).then_some(())
        })?;
    }
    Ok(())
}

fn work(mut me: Worker) -> Verdict {
    let Some(number) = me.recv()? else { return Ok(()) };
    let number: u32 = number.parse()?;
    me.send("at work")?;
    match number {
        1 => stay(me)?,
        // Its work.
        2 => thread::sleep(Duration::from_millis(200)),
        _ => loop {
            thread::park(); // it hears nothing any more
        },
    }
    Diary::write("finished")?;
    Ok(())
}
