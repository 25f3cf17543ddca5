//! Workers write in a diary when they come and go; nobody may be missed.

mod exercise;
mod solution;

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use cluster::{Error, Event, Primary, Role, Settings, Worker};
use exercises::{Events, Exercise, Verdict, Wrong, same};

type ReplaceAll = fn(&mut Primary) -> Result<(), Error>;

const DIARY: &str = "DIARY";

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
    let name = format!("diary-{}", std::process::id());
    let diary = SocketAddr::from_abstract_name(&name)?;
    let diary = UnixDatagram::bind_addr(&diary)?;
    primary.setup(Settings::new().env(DIARY, name));
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

/// Each entry is one byte: somebody came (`+`), or went (`-`).
fn judge_diary(diary: &UnixDatagram) -> Verdict {
    diary.set_nonblocking(true)?;
    let mut entry = [0];
    let mut there = 0;
    let mut history = Vec::new();
    while diary.recv(&mut entry).is_ok() {
        if entry == *b"+" {
            there += 1
        } else {
            there -= 1
        }
        history.push(there);
    }
    let since = &history[2..]; // since all three were there
    if since.iter().all(|there| (3..=4).contains(there)) {
        return Ok(());
    }
    let seen = format!("their number changed like this: {since:?}");
    Err(Wrong::new("three workers or four at every moment", seen).into())
}

fn work(mut me: Worker) -> Verdict {
    let name = std::env::var(DIARY)?;
    let diary = UnixDatagram::unbound()?;
    diary.connect_addr(&SocketAddr::from_abstract_name(name)?)?;
    diary.send(b"+")?;
    let listener = me.listen("127.0.0.1:0")?;
    for visitor in listener.incoming() {
        drop(visitor?);
    }
    diary.send(b"-")?;
    Ok(())
}
