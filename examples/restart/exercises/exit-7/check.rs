//! Three workers die: by a signal, with code 7, and with code 1.

mod exercise;
mod solution;

use std::time::{Duration, Instant};

use cluster::{Error, Event, Primary, Role, Signal, Worker};
use exercises::{Exercise, Verdict, same};

type React = fn(&Event, &mut Primary) -> Result<(), Error>;

/// So long nothing has to happen before we believe that nothing will.
const QUIET: Duration = Duration::from_millis(300);

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::react, solution::react)
}

fn judge(role: Role, react: React) -> Verdict {
    match role {
        Role::Worker(me) => obey(me),
        Role::Primary(mut primary) => {
            for order in [None, Some(7), Some(1)] {
                let victim = primary.fork()?;
                match order {
                    None => primary.kill(victim, Signal::SIGKILL)?,
                    Some(code) => primary.send(victim, code).map(drop)?,
                }
            }
            let forked = watch(&mut primary, react)?;
            let what = "replacements, after SIGKILL, exit 7 and exit 1";
            same(what, 2, forked - 3)?;
            primary.disconnect_all();
            let forked = watch(&mut primary, react)?;
            same("replacements of workers that left as asked", 0, forked)
        }
    }
}

/// Shows every event, until nothing happens; how many workers were forked?
fn watch(primary: &mut Primary, react: React) -> Result<usize, cluster::Error> {
    let mut forked = 0;
    loop {
        match primary.next_event_before(Instant::now() + QUIET)? {
            Some(Event::Deadline) | None => return Ok(forked),
            Some(Event::Fork(_)) => forked += 1,
            Some(event) => react(&event, primary)?,
        }
    }
}

fn obey(mut me: Worker) -> Verdict {
    if let Some(order) = me.recv()? {
        std::process::exit(order.parse()?);
    }
    Ok(())
}
