//! Workers write in a diary when they come and go; nobody may be missed.

mod exercise;
mod solution;

use cluster::{Error, Event, Primary, Role, Worker};
use exercises::{Diary, Events, Exercise, Verdict, Wrong, same};

type ReplaceAll = fn(&mut Primary) -> Result<(), Error>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::replace_all, solution::replace_all)
}

fn judge(role: Role, replace_all: ReplaceAll) -> Verdict {
    match role {
        Role::Worker(me) => work(me),
        Role::Primary(primary) => lead(primary, replace_all),
    }
}

fn lead(mut primary: Primary, replace_all: ReplaceAll) -> Verdict {
    let diary = Diary::open(&mut primary)?;
    for _ in 0..3 {
        primary.fork()?;
        primary.until("a worker that listens", |event| {
            matches!(event, Event::Listening(..)).then_some(())
        })?;
    }
    replace_all(&mut primary)?;
    let left: Vec<u32> = primary.workers().map(|it| it.get()).collect();
    same("workers in the end", vec![4, 5, 6], left)?;
    judge_diary(&diary)?;
    primary.dismiss()
}

/// Each entry says that somebody came, or went.
fn judge_diary(diary: &Diary) -> Verdict {
    let mut there = 0;
    let history = diary.entries().into_iter().map(|entry| {
        if entry == "came" {
            there += 1
        } else {
            there -= 1
        }
        there
    });
    let since: Vec<i32> = history.skip(2).collect(); // since three were there
    if since.iter().all(|there| (3..=4).contains(there)) {
        return Ok(());
    }
    let seen = format!("their number changed like this: {since:?}");
    Err(Wrong::new("three workers or four at every moment", seen).into())
}

fn work(mut me: Worker) -> Verdict {
    Diary::write("came")?;
    let listener = me.listen("127.0.0.1:0")?;
    for visitor in listener.incoming() {
        drop(visitor?);
    }
    Diary::write("went")?;
    Ok(())
}
