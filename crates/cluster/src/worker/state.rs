//! What a worker knows, and what it says to its primary. Nothing here waits.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::event::WorkerEvent;
use super::listeners::Listeners;
use super::watcher::Watcher;
use crate::Error;
use crate::channel::Channel;
use crate::eager::Eager;
use crate::wakeup::Wakeup;
use crate::wire::{Envelope, Received};

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Standing {
    /// Messages go both ways.
    Connected,
    /// The primary asked us to leave.
    Asked,
    /// The channel is closed.
    Left,
}

#[derive(Debug)]
pub(super) struct State {
    pub channel: Channel,
    pub inbox: VecDeque<WorkerEvent>,
    pub standing: Standing,
    pub listeners: Listeners,
    /// The request whose answer somebody waits for, and the answer with the socket that came along.
    pub replies: BTreeMap<u64, Option<(Received, Option<OwnedFd>)>>,
    seq: u64,
    pub reader: Reader,
    watcher: Watcher,
}

/// Who reads: one thread at a time; the others wait for its news.
#[derive(Debug)]
pub(super) struct Reader {
    pub somebody_reads: bool,
    /// How many threads wait for its news.
    pub waiting: usize,
    /// Makes it look again at what it waits for.
    pub interrupt: Arc<Wakeup>,
    pub eager: Eager,
}

impl State {
    pub(super) fn new(channel: Channel, interrupt: Arc<Wakeup>, watcher: Watcher) -> State {
        State {
            channel,
            inbox: VecDeque::new(),
            standing: Standing::Connected,
            listeners: Listeners::default(),
            replies: BTreeMap::new(),
            seq: 0,
            reader: Reader { somebody_reads: false, waiting: 0, interrupt, eager: Eager::new() },
            watcher,
        }
    }

    /// Makes the thread that waits look again at what it waits for.
    pub(super) fn interrupt_reader(&self) {
        if self.reader.somebody_reads {
            self.reader.interrupt.wake();
        }
    }

    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.check_connected()?;
        self.channel.flush().map_err(|_| Error::PrimaryGone)
    }

    pub(super) fn check_connected(&self) -> Result<(), Error> {
        if self.standing == Standing::Left { Err(Error::PrimaryGone) } else { Ok(()) }
    }

    /// Sends a request to the primary's cluster layer; its answer will be in `replies`.
    pub(super) fn request(&mut self, message: Envelope) -> u64 {
        let seq = self.note(message);
        self.replies.insert(seq, None);
        seq
    }

    /// Sends a message to the primary's cluster layer.
    pub(super) fn say(&mut self, message: Envelope) {
        self.note(message);
        // It fails when the primary is gone; the next read says so.
        let _ = self.channel.flush();
    }

    /// Sends a message to the primary's cluster layer, with the next one or the next wait. Returns its number.
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
