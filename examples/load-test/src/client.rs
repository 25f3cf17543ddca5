//! The hot path: one thread, many connections, no waiting for any of them.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use crate::Result;
use crate::answer::{Answer, Reader};
use crate::tally::{Tally, Trouble};
use crate::target::Target;

/// Whoever has not answered by then never will.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to leave somebody alone who refused a connection.
const REST: Duration = Duration::from_millis(10);
/// The next connection comes when this one was answered, or after so long.
const ONE_BY_ONE: Duration = Duration::from_millis(20);

/// What all threads share.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) keep_alive: bool,
    pub(crate) end: Instant,
    /// How many requests may still begin.
    pub(crate) left: AtomicU64,
    /// How many have come to their end.
    pub(crate) done: AtomicU64,
    pub(crate) over: AtomicBool,
}

/// One connection, and the request that is on it.
struct Connection {
    stream: Option<TcpStream>,
    reader: Reader,
    /// What of the request is not sent yet.
    unsent: usize,
    /// When the request was meant to begin, and when it did.
    intended: Option<Instant>,
    begun: Instant,
    /// No new attempt before that time.
    resting: Option<Instant>,
}

pub(crate) struct Client<'a> {
    plan: &'a Plan,
    request: Vec<u8>,
    epoll: Epoll,
    connections: Vec<Connection>,
    /// Those that have nothing to do.
    idle: Vec<usize>,
    /// With a rate: when the next request is due, and how far apart they are.
    due: Option<(Instant, Duration)>,
    opened: usize,
    tally: Tally,
    block: Vec<u8>,
}

impl<'a> Client<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        connections: usize,
        every: Option<Duration>,
    ) -> Result<Client<'a>> {
        let now = Instant::now();
        let new = || Connection {
            stream: None,
            reader: Reader::default(),
            unsent: 0,
            intended: None,
            begun: now,
            resting: None,
        };
        Ok(Client {
            plan,
            request: plan.target.request(plan.keep_alive),
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            connections: (0..connections).map(|_| new()).collect(),
            idle: Vec::new(),
            due: every.map(|every| (now, every)),
            opened: 0,
            tally: Tally::new()?,
            block: vec![0; 64 * 1024],
        })
    }

    // ANCHOR: run
    /// Asks until the plan is over.
    pub(crate) fn run(mut self) -> Result<Tally> {
        let mut events = [EpollEvent::empty(); 256];
        let mut last_look = Instant::now();
        while !self.is_over() {
            let now = Instant::now();
            self.open_one_by_one(now);
            self.begin_requests(now);
            // Not to wait for is what is due, or rests: so look again soon.
            let soon =
                self.due.is_some() || self.opened < self.connections.len();
            let timeout: u8 = if soon { 1 } else { 20 };
            let ready = match self.epoll.wait(&mut events, timeout) {
                Ok(ready) => ready,
                Err(nix::errno::Errno::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..ready] {
                self.attend(event.data() as usize);
            }
            if now - last_look > Duration::from_millis(20) {
                last_look = now;
                self.give_up_on_the_silent(now);
            }
        }
        Ok(self.tally)
    }
    // ANCHOR_END: run

    fn is_over(&self) -> bool {
        let Plan { end, left, over, .. } = self.plan;
        over.load(Relaxed)
            || Instant::now() >= *end
            || (left.load(Relaxed) == 0 && self.idle.len() == self.opened)
    }

    /// Not all at once: a server may have to start a thread for each.
    fn open_one_by_one(&mut self, now: Instant) {
        let last = self.opened.checked_sub(1).map(|it| &self.connections[it]);
        let settled = |it: &Connection| {
            it.intended.is_none() || now - it.begun > ONE_BY_ONE
        };
        if self.opened < self.connections.len() && last.is_none_or(settled) {
            self.idle.push(self.opened);
            self.opened += 1;
        }
    }

    fn begin_requests(&mut self, now: Instant) {
        let mut resting = Vec::new();
        while let Some(at) = self.idle.pop() {
            let rests = self.connections[at].resting.is_some_and(|it| it > now);
            if rests {
                resting.push(at);
                continue;
            }
            let Some(intended) = self.take_request(now) else {
                self.idle.push(at);
                break;
            };
            self.begin(at, intended);
        }
        self.idle.append(&mut resting);
    }

    /// When the next request was meant to begin; `None`: none is due.
    fn take_request(&mut self, now: Instant) -> Option<Instant> {
        if self.due.is_some_and(|(due, _)| due > now) {
            return None;
        }
        let one_less = |left: u64| left.checked_sub(1);
        self.plan.left.fetch_update(Relaxed, Relaxed, one_less).ok()?;
        let Some((due, every)) = &mut self.due else {
            return Some(Instant::now());
        };
        // Late or not: the wait counts from when it should have begun.
        let intended = *due;
        *due += *every;
        Some(intended)
    }

    fn begin(&mut self, at: usize, intended: Instant) {
        let connection = &mut self.connections[at];
        connection.intended = Some(intended);
        connection.begun = Instant::now();
        connection.unsent = self.request.len();
        if connection.stream.is_none() {
            match self.plan.target.connect(PATIENCE) {
                Ok(stream) => {
                    let flags = EpollFlags::EPOLLIN;
                    let event = EpollEvent::new(flags, at as u64);
                    if self.epoll.add(stream.as_fd(), event).is_err() {
                        return self.fail(at, Trouble::System(0));
                    }
                    connection.stream = Some(stream);
                    connection.reader.clear();
                }
                Err(trouble) => return self.fail(at, trouble),
            }
        }
        self.send(at);
    }

    fn send(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        let Some(stream) = &mut connection.stream else { return };
        let rest = &self.request[self.request.len() - connection.unsent..];
        match stream.write(rest) {
            Ok(length) => connection.unsent -= length,
            Err(error) if is_later(error.kind()) => {}
            Err(_) => self.fail(at, Trouble::ClosedEarly),
        }
    }

    // ANCHOR: attend
    /// Something has come on this connection.
    fn attend(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        let Some(stream) = &mut connection.stream else { return };
        match stream.read(&mut self.block) {
            Ok(0) => match connection.reader.end() {
                Some(answer) => self.answered(at, answer),
                None => self.hung_up(at),
            },
            Ok(length) => {
                connection.reader.feed(&self.block[..length]);
                match connection.reader.next() {
                    Ok(Some(answer)) => self.answered(at, answer),
                    Ok(None) => {}
                    Err(_) => self.fail(at, Trouble::InvalidHttp),
                }
            }
            Err(error) if is_later(error.kind()) => {}
            Err(_) => self.hung_up(at),
        }
    }
    // ANCHOR_END: attend

    fn answered(&mut self, at: usize, answer: Answer) {
        let connection = &mut self.connections[at];
        let Some(intended) = connection.intended.take() else {
            return self.fail(at, Trouble::InvalidHttp); // nobody asked
        };
        match answer.status {
            200..300 => self.tally.answered(intended.elapsed(), answer.worker),
            status => self.tally.trouble(Trouble::Status(status)),
        }
        let stays = answer.keep_alive && connection.reader.is_empty();
        if !(stays && self.plan.keep_alive) {
            connection.stream = None; // epoll forgets what is closed
        }
        self.plan.done.fetch_add(1, Relaxed);
        self.idle.push(at);
    }

    fn hung_up(&mut self, at: usize) {
        match self.connections[at].intended {
            Some(_) => self.fail(at, Trouble::ClosedEarly),
            // Between two requests a server may do that.
            None => self.connections[at].stream = None,
        }
    }

    fn fail(&mut self, at: usize, trouble: Trouble) {
        let connection = &mut self.connections[at];
        connection.stream = None;
        if connection.intended.take().is_some() {
            self.tally.trouble(trouble);
            self.plan.done.fetch_add(1, Relaxed);
            self.idle.push(at);
        }
        if matches!(trouble, Trouble::Refused | Trouble::System(_)) {
            connection.resting = Some(Instant::now() + REST);
        }
    }

    fn give_up_on_the_silent(&mut self, now: Instant) {
        for at in 0..self.opened {
            let connection = &self.connections[at];
            if connection.intended.is_none() {
                continue;
            }
            if connection.unsent > 0 {
                self.send(at); // the other side has made room, perhaps
            } else if now.saturating_duration_since(connection.begun) > PATIENCE
            {
                self.fail(at, Trouble::NeverAnswered);
            }
        }
    }
}

fn is_later(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
