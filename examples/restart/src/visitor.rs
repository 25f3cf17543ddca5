//! The visitor: asks, one connection for each question, on a thread of its
//! own, so that the primary's loop never waits for it.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cluster::{Address, Waker};

/// How often it asks before it says how that went.
pub(crate) const QUESTIONS: usize = 100;

/// The visitor, as the primary holds it.
pub(crate) struct Visitor {
    waker: Waker,
    address: Option<SocketAddr>,
    asking: Option<JoinHandle<usize>>,
    asked: usize,
    answered: usize,
}

impl Visitor {
    pub(crate) fn new(waker: Waker) -> Visitor {
        Visitor { waker, address: None, asking: None, asked: 0, answered: 0 }
    }

    /// Learns where to ask: once, for the port must stay the same.
    pub(crate) fn learn(&mut self, address: &Address) {
        if let (None, Address::Tcp(address)) = (self.address, address) {
            self.address = Some(*address);
        }
    }

    // ANCHOR: ask
    pub(crate) fn begin_to_ask(&mut self) {
        let Some(address) = self.address else { return };
        let waker = self.waker.clone();
        self.asked += QUESTIONS;
        self.asking = Some(thread::spawn(move || {
            let answered = (0..QUESTIONS).filter(|_| ask(address)).count();
            waker.wake(); // the primary's loop is told `Event::Woken`
            answered
        }));
    }
    // ANCHOR_END: ask

    pub(crate) fn rests(&self) -> bool {
        self.asking.is_none()
    }

    /// Waits until it has asked, and adds up its answers.
    pub(crate) fn hear(&mut self) {
        if let Some(asking) = self.asking.take() {
            self.answered += asking.join().unwrap_or(0);
        }
    }

    pub(crate) fn tally(&self) -> String {
        tally(self.asked, self.answered)
    }
}

/// Asks once, on a connection of its own; whether a worker answered.
pub(crate) fn ask(address: SocketAddr) -> bool {
    let mut answer = String::new();
    let read = TcpStream::connect(address).and_then(|mut connection| {
        // Longer than any restart takes: whoever waits longer was forgotten.
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        connection.read_to_string(&mut answer)
    });
    read.is_ok() && answer.starts_with("worker ") && answer.ends_with('\n')
}

pub(crate) fn tally(asked: usize, answered: usize) -> String {
    let all = match answered {
        all if all == asked => "every one".to_owned(),
        some => format!("{some}"),
    };
    format!("asked {asked} times, {all} answered")
}
