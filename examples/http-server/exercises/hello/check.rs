//! Two workers, eight visitors; then both are asked to leave.

mod exercise;
mod solution;

use std::error::Error;
use std::thread;

use cluster::{Address, Event, Listener, Primary, Role, WorkerId};
use exercises::{Events, Exercise, Verdict, Wrong, same};
use visitors::{Seen, Visitor};

type Serve = fn(WorkerId, &Listener) -> Result<(), Box<dyn Error>>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::serve, solution::serve)
}

fn judge(role: Role, serve: Serve) -> Verdict {
    match role {
        Role::Worker(mut me) => {
            let listener = me.listen("127.0.0.1:0")?;
            serve(me.id(), &listener)
        }
        Role::Primary(primary) => lead(primary),
    }
}

fn lead(mut primary: Primary) -> Verdict {
    let mut address = None;
    for _ in 0..2 {
        primary.fork()?;
        address = Some(primary.until("a worker that listens", |event| {
            let Event::Listening(_, address) = event else { return None };
            Some(address)
        })?);
    }
    let Some(Address::Tcp(address)) = address else {
        return Err(Wrong::new("a port", "none").into());
    };
    let waker = primary.waker();
    let visits = thread::spawn(move || {
        let seen = Visitor::new(address).map(|it| it.one_by_one("/", 8));
        waker.wake();
        seen
    });
    let died = primary.until("eight visits", |event| match event {
        Event::Woken => Some(None),
        Event::Exit { worker, exit, .. } => Some(Some((worker, exit))),
        _ => None,
    })?;
    if let Some((worker, exit)) = died {
        let seen = format!("{worker} {exit} before");
        return Err(Wrong::new("eight visits to two workers", seen).into());
    }
    let visits = visits.join().map_err(|_| "the visitor panicked")??;
    visits.iter().try_for_each(welcomed)?;
    primary.disconnect_all();
    while let Some(event) = primary.next_event()? {
        if let Event::Exit { worker, exit, .. } = event {
            let expected = "exits 0".to_owned();
            same(format!("{worker} in the end"), expected, exit.to_string())?;
        }
    }
    Ok(())
}

fn welcomed(seen: &Seen) -> Verdict {
    let answer = match &seen.result {
        Ok(answer) => answer,
        Err(trouble) => {
            let seen = format!("a visitor {trouble}");
            return Err(Wrong::new("an answer for every visitor", seen).into());
        }
    };
    same("the status", 200, answer.status)?;
    same("the connection stays open", false, answer.keep_alive)?;
    let names = ["worker 1\n", "worker 2\n"];
    if !names.contains(&answer.text().as_str()) {
        let expected = r#"the body "worker 1\n" or "worker 2\n""#;
        let seen = format!("the body {:?}", answer.text());
        return Err(Wrong::new(expected, seen).into());
    }
    Ok(())
}
