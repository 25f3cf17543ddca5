//! A worker that is killed, and what was in its hands.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::crowd::Visit;
use crate::proc;

/// A SIGKILL, and the connections that died of it.
pub struct Kill {
    pub at: Instant,
    /// The connections that the worker had open in that moment, each by its client's port. Nothing
    /// else was in its hands: what waits in a queue, or in the channel between primary and worker,
    /// belongs to whoever is left.
    hands: BTreeSet<u16>,
}

/// Kills a worker of the server on this port. It is stopped first, so that its hands do not move
/// while they are looked at.
pub fn kill_worker(worker: Pid, port: u16) -> Kill {
    stop(worker);
    let hands = proc::connections(worker, port).into_keys().collect();
    let at = Instant::now();
    let _ = kill(worker, Signal::SIGKILL); // it may have ended meanwhile
    Kill { at, hands }
}

/// Stops a process, and waits until each of its threads stands still.
pub fn stop(worker: Pid) {
    let _ = kill(worker, Signal::SIGSTOP);
    let until = Instant::now() + Duration::from_secs(2);
    while proc::lives(worker) && !proc::is_stopped(worker) && Instant::now() < until {
        // Nobody is told when a stranger's process stops.
        thread::sleep(Duration::from_micros(200));
    }
}

impl Kill {
    /// Whether this visit failed because its connection was in the hands of the worker that died.
    pub fn excuses(&self, visit: &Visit) -> bool {
        let held = visit.port.is_some_and(|port| self.hands.contains(&port));
        held && visit.began <= self.at && self.at <= visit.ended
    }
}
