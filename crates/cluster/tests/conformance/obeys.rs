//! A worker that does as it is told, order by order; `conformance_worker.mjs` is the same in Node.
//! A listener serves from the moment that it listens: whoever connects reads the worker's number.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cluster::{
    Address, Datagrams, Error, Event, Listen, Listener, Primary, Worker, WorkerId, json,
};

use crate::harness::{Events, part};

pub fn obeys(me: Worker, _: &str) {
    me.send("ready").unwrap();
    follows(me);
}

/// The same without the first word.
pub fn follows(mut me: Worker) {
    let mut open = Vec::new();
    while let Some(message) = me.recv().unwrap() {
        let order = message.text().unwrap();
        let words: Vec<&str> = order.split(' ').collect();
        let number = |at: usize| words[at].parse::<i32>().unwrap();
        let udp = |open: &Vec<Option<Open>>| match &open[number(1) as usize] {
            Some(Open::Udp(socket)) => Arc::clone(socket),
            _ => panic!("{order}"),
        };
        let answer = match words[0] {
            "listen" | "bind" => match opened(&mut me, words[0] == "bind", &words[1..]) {
                Ok((it, at)) => {
                    open.push(Some(it));
                    where_it_is(&at)
                }
                Err(error) => code(&error),
            },
            "close" => {
                drop(open[number(1) as usize].take());
                "closed".into()
            }
            "receive" => receives(&udp(&open), number(2)),
            "send" => {
                let to = ([127, 0, 0, 1], words[2].parse().unwrap());
                let socket = udp(&open);
                for _ in 0..number(3) {
                    socket.send_to(b"datagram", to.into()).unwrap();
                }
                "sent".into()
            }
            "send_unbound" => {
                let to = format!("127.0.0.1:{}", words[1]);
                let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
                socket.send_to(b"datagram", to).unwrap();
                "sent".into()
            }
            "echo" => words[1].into(),
            "cwd" => std::env::current_dir().unwrap().display().to_string(),
            "args" => std::env::args().next_back().unwrap(),
            "env" => std::env::var(words[1]).unwrap_or("none".into()),
            "leave" => {
                me.disconnect().unwrap();
                return;
            }
            "kill" => me.kill(),
            "hang_up" => return drop(me),
            "exit" => std::process::exit(number(1)),
            "throw" => panic!("as told"),
            "spin" => loop {
                std::hint::spin_loop();
            },
            other => panic!("{other}"),
        };
        me.send(answer).unwrap();
    }
}

enum Open {
    Served { closing: Arc<AtomicBool>, thread: Option<JoinHandle<()>> },
    Udp(Arc<Datagrams>),
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Open::Served { closing, thread } = self {
            closing.store(true, Ordering::Relaxed);
            thread.take().unwrap().join().unwrap();
        }
    }
}

/// `127.0.0.1:PORT`, `any:PORT`, `unix:PATH` or `fd:NUMBER`, then options.
fn opened(me: &mut Worker, udp: bool, words: &[&str]) -> Result<(Open, Address), Error> {
    let mut on = match words[0].split_once(':').unwrap() {
        ("any", port) => Listen::any(port.parse().unwrap()),
        ("unix", path) => Listen::unix(path),
        ("fd", number) => Listen::primary_fd(number.parse().unwrap()),
        _ => Listen::from(words[0]),
    };
    let mut most = None;
    for word in &words[1..] {
        on = match word.split_once(':').unwrap_or((word, "")) {
            ("only_v6", _) => on.only_v6(),
            ("exclusive", _) => on.exclusive(),
            ("reuse_address", _) => on.reuse_address(),
            ("reuse_port", _) => on.reuse_port(),
            ("readable_all", _) => on.readable_all(),
            ("writable_all", _) => on.writable_all(),
            ("backlog", number) => on.backlog(number.parse().unwrap()),
            ("max", number) => {
                most = Some(number.parse().unwrap());
                on
            }
            other => panic!("{other:?}"),
        };
    }
    if udp {
        let socket = me.bind_udp(on)?;
        let at = socket.address().clone();
        return Ok((Open::Udp(Arc::new(socket)), at));
    }
    // A Unix stream can be written to all the same.
    let listener: Listener = me.listen(on)?;
    let at = listener.address().clone();
    let closing = Arc::new(AtomicBool::new(false));
    let thread = std::thread::spawn({
        let (closing, me) = (Arc::clone(&closing), me.clone());
        move || match most {
            None => serves(&me, &listener, &closing),
            Some(most) => serves_at_most(most, &me, &listener, &closing),
        }
    });
    Ok((Open::Served { closing, thread: Some(thread) }, at))
}

fn serves(me: &Worker, listener: &Listener, closing: &AtomicBool) {
    while !closing.load(Ordering::Relaxed) && !me.is_leaving() {
        // The deadline is for `closing`, which no event tells.
        let soon = Instant::now() + Duration::from_millis(30);
        if let Some(client) = listener.accept_before(soon).unwrap() {
            let _ = write!(std::fs::File::from(OwnedFd::from(client)), "{}", me.id().get());
        }
    }
}

/// Keeps the connections, and accepts no more than so many: what Node's `maxConnections` is for.
fn serves_at_most(most: usize, me: &Worker, listener: &Listener, closing: &AtomicBool) {
    let mut kept: Vec<std::fs::File> = Vec::new();
    while !closing.load(Ordering::Relaxed) && !me.is_leaving() {
        let soon = Instant::now() + Duration::from_millis(30);
        if kept.len() < most {
            if let Some(client) = listener.accept_before(soon).unwrap() {
                let mut client = std::fs::File::from(OwnedFd::from(client));
                let _ = write!(client, "{}", me.id().get());
                kept.push(client);
            }
        } else {
            // Until a client is gone, which is looked for below.
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut byte = [0];
        let flags = rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT;
        kept.retain(|client| rustix::net::recv(client, &mut byte, flags).is_err());
    }
}

fn receives(socket: &Datagrams, count: i32) -> String {
    let mut buffer = [0; 64];
    for _ in 0..count {
        if socket.recv_from(&mut buffer).unwrap().is_none() {
            return "told to leave".into();
        }
    }
    count.to_string()
}

fn where_it_is(at: &Address) -> String {
    match at {
        Address::Unix(path) => path.display().to_string(),
        other => other.port().map_or("fd".into(), |port| port.to_string()),
    }
}

/// The system's name for what went wrong.
pub fn code(error: &Error) -> String {
    match error {
        Error::Listen { source, .. } => {
            format!("{:?}", nix::errno::Errno::from_raw(source.raw_os_error().unwrap()))
        }
        other => other.to_string(),
    }
}

/// Workers that obey, each ready.
#[track_caller]
pub fn some<const N: usize>(primary: &mut Primary) -> [WorkerId; N] {
    parts(primary, [""; N])
}

/// A worker with a part of its own that says when it is ready.
#[track_caller]
pub fn one(primary: &mut Primary, its_part: &str) -> WorkerId {
    parts(primary, [its_part])[0]
}

#[track_caller]
pub fn parts<const N: usize>(primary: &mut Primary, parts: [&str; N]) -> [WorkerId; N] {
    let workers = parts.map(|it| primary.fork_with(part(it)).unwrap());
    for _ in 0..N {
        primary.until(|event| match event {
            Event::Message(_, message) => {
                (message.value().unwrap() == json!("ready")).then_some(())
            }
            Event::Exit { .. } => panic!("{event:?}"),
            _ => None,
        });
    }
    workers
}
