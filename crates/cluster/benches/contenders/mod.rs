//! What is measured, for both benchmarks: a cluster of this program, and two bare processes.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cluster::{Event, Primary, Role, Value, WorkerId};

/// A message whose line is 64 bytes long, newline included.
pub const MESSAGE: &str = "0123456789012345678901234567890123456789012345678901234567890";

/// Plays the part that this process was started for; gives the primary back to the benchmark
/// itself.
pub fn take_part() -> Primary {
    if std::env::args().nth(1).as_deref() == Some("bare") {
        echo_bytes();
    }
    match cluster::role().expect("first in main") {
        Role::Primary(primary) => primary,
        Role::Worker(mut me) => {
            while let Ok(Some(message)) = me.recv() {
                me.send(message.value().expect("it is JSON")).expect("the primary listens");
            }
            std::process::exit(0)
        }
    }
}

fn echo_bytes() -> ! {
    let (mut from, mut to) = (std::io::stdin().lock(), stdin_as_stream());
    let mut line = [0; 64];
    while from.read_exact(&mut line).is_ok() && to.write_all(&line).is_ok() {}
    std::process::exit(0)
}

/// Standard input is the socket, and goes both ways.
fn stdin_as_stream() -> UnixStream {
    use std::os::fd::AsFd;
    UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().expect("stdin is open"))
}

/// A worker that sends every message back.
pub struct Echo {
    pub primary: Primary,
    pub worker: WorkerId,
}

impl Echo {
    pub fn start(mut primary: Primary) -> Echo {
        let (worker, _) = fork_to_online(&mut primary);
        Echo { primary, worker }
    }

    /// Sends this many messages there and back, one after the other.
    pub fn round_trips(&mut self, count: u64) -> Duration {
        let message = Value::from(MESSAGE);
        let start = Instant::now();
        for _ in 0..count {
            self.primary.send(self.worker, &message).expect("the worker reads");
            while !matches!(self.primary.next_event(), Ok(Some(Event::Message(..)))) {}
        }
        start.elapsed()
    }
}

/// Two processes and a socket pair, and nothing else: the same bytes there and back.
pub struct Bare {
    child: Child,
    socket: UnixStream,
}

impl Bare {
    pub fn start() -> Bare {
        let (socket, theirs) = UnixStream::pair().expect("a socket pair");
        let child = Command::new(std::env::current_exe().expect("this program"))
            .arg("bare")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .expect("it starts");
        Bare { child, socket }
    }

    pub fn round_trips(&mut self, count: u64) -> Duration {
        let sent = format!("\"{MESSAGE}\"\n");
        let mut back = [0; 64];
        let start = Instant::now();
        for _ in 0..count {
            self.socket.write_all(sent.as_bytes()).expect("the child reads");
            self.socket.read_exact(&mut back).expect("the child answers");
        }
        start.elapsed()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Forks one worker and waits until it is online.
pub fn fork_to_online(primary: &mut Primary) -> (WorkerId, Duration) {
    let start = Instant::now();
    let worker = primary.fork().expect("it starts");
    while !matches!(primary.next_event(), Ok(Some(Event::Online(online))) if online == worker) {}
    (worker, start.elapsed())
}

/// Ends a worker and waits until it is gone.
pub fn end(primary: &mut Primary, worker: WorkerId) {
    primary.disconnect(worker);
    while !matches!(primary.next_event(), Ok(Some(Event::Exit { .. }))) {}
}
