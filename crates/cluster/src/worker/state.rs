//! What a worker knows, and what it says to its primary. Nothing here waits.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::event::WorkerEvent;
use super::inbox::Inbox;
use super::listeners::Listeners;
use super::replies::Replies;
use super::watcher::Watcher;
use crate::Error;
use crate::channel::Channel;
use crate::eager::Eager;
use crate::rest::Rest;
use crate::terms::Terms;
use crate::wakeup::Wakeup;
use crate::wire::Envelope;

/// How many bytes of answers a primary may leave unread before it is not listened to any more. As
/// much as a primary grants a worker.
const MOST_ANSWERS: usize = 1024 * 1024;

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Standing {
    /// Messages and connections come.
    Connected,
    /// They still come, and there is less and less to do: the primary will ask us to leave.
    Draining,
    /// The primary asked us to leave.
    Asked,
    /// The channel is closed.
    Left,
}

impl Standing {
    /// Whether connections may still come.
    pub(super) fn serves(self) -> bool {
        match self {
            Standing::Connected | Standing::Draining => true,
            Standing::Asked | Standing::Left => false,
        }
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub channel: Channel,
    pub inbox: Inbox,
    pub standing: Standing,
    pub listeners: Listeners,
    pub replies: Replies,
    /// The channel cannot be read just now: the system has no memory.
    pub rest: Rest,
    pub reader: Reader,
    seq: u64,
    watcher: Watcher,
}

/// Who waits for the channel: one thread at a time; the others wait for its news.
#[derive(Debug)]
pub(super) struct Reader {
    /// It sleeps.
    pub sleeps: bool,
    /// It wakes when something can be written, too.
    pub watches_write: bool,
    /// How many threads wait for its news.
    pub waiting: usize,
    pub eager: Eager,
    /// Makes it look again at what it waits for.
    interrupt: Arc<Wakeup>,
}

impl State {
    pub(super) fn new(
        channel: Channel,
        terms: Option<Terms>,
        interrupt: Arc<Wakeup>,
        watcher: Watcher,
    ) -> State {
        State {
            channel,
            inbox: Inbox::new(terms),
            standing: Standing::Connected,
            listeners: Listeners::default(),
            replies: Replies::default(),
            rest: Rest::default(),
            reader: Reader {
                sleeps: false,
                watches_write: false,
                waiting: 0,
                eager: Eager::new(),
                interrupt,
            },
            seq: 0,
            watcher,
        }
    }

    /// The next event, for the program. The primary learns how much was taken, so that it knows how
    /// much fits.
    pub(super) fn take_event(&mut self) -> Option<WorkerEvent> {
        let event = self.inbox.take()?;
        if let Some(taken) = self.inbox.due_report() {
            self.note(Envelope { taken: Some(taken), ..Envelope::act("taken", 0) });
        }
        Some(event)
    }

    /// Whether the channel should be read. Always, also while the program takes no messages,
    /// because behind them stand connections and the end. But who asks and never reads the answers
    /// would fill our memory with these.
    pub(super) fn listens_to_primary(&self) -> bool {
        !self.owes_much() && self.rest.until().is_none()
    }

    /// Whether much of what we said to the primary's cluster layer waits to be read.
    pub(super) fn owes_much(&self) -> bool {
        self.channel.outbox().internal_bytes() >= MOST_ANSWERS
    }

    /// Makes the thread that sleeps look again at what it waits for.
    pub(super) fn interrupt_reader(&self) {
        if self.reader.sleeps {
            self.reader.interrupt.wake();
        }
    }

    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.check_connected()?;
        self.channel.flush().map_err(|_| Error::PrimaryGone)?;
        // The rest goes out when there is room: the thread that sleeps has to watch for that.
        if self.reader.sleeps && !self.reader.watches_write && self.channel.wants_write() {
            self.reader.watches_write = true;
            self.reader.interrupt.wake();
        }
        Ok(())
    }

    pub(super) fn check_connected(&self) -> Result<(), Error> {
        if self.standing == Standing::Left { Err(Error::PrimaryGone) } else { Ok(()) }
    }

    /// Whether this worker can still begin to listen.
    pub(super) fn check_serves(&self) -> Result<(), Error> {
        match self.standing {
            Standing::Connected | Standing::Draining => Ok(()),
            Standing::Asked => Err(Error::Leaving),
            Standing::Left => Err(Error::PrimaryGone),
        }
    }

    /// Sends a request to the primary's cluster layer; its answer will be in `replies`. With this
    /// descriptor in reserve if the answer may bring one.
    pub(super) fn request(&mut self, message: Envelope, reserve: Option<OwnedFd>) -> u64 {
        let seq = self.note(message);
        self.replies.expect(seq, reserve);
        seq
    }

    /// Sends a message to the primary's cluster layer.
    pub(super) fn say(&mut self, message: Envelope) {
        self.note(message);
        // It fails when the primary is gone; the next read says so.
        let _ = self.flush();
    }

    /// Sends a message to the primary's cluster layer, with the next one or the next wait. Returns
    /// its number.
    pub(super) fn note(&mut self, message: Envelope) -> u64 {
        let seq = self.seq;
        self.seq += 1;
        self.channel.push_internal(&Envelope { seq, ..message });
        seq
    }

    /// Closes the channel.
    pub(super) fn leave(&mut self) {
        if self.standing != Standing::Left {
            self.standing = Standing::Left;
            self.watcher.leave();
            self.channel.close();
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.leave();
    }
}
