//! What the primary knows of one worker.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::output::Output;
use crate::Settings;
use crate::channel::Channel;
use crate::spawn::Spawned;
use crate::terms::heard;

/// Where a worker stands; Node's `worker.state`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// Started; nothing heard from it yet.
    None,
    /// It runs and has its role.
    Online,
    /// It listens somewhere.
    Listening,
    /// Its channel is closed.
    Disconnected,
    /// Its process has ended.
    Dead,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            State::None => "none",
            State::Online => "online",
            State::Listening => "listening",
            State::Disconnected => "disconnected",
            State::Dead => "dead",
        })
    }
}

/// How a worker's life as a member comes to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Parting {
    /// Nobody has said anything: it works.
    Staying,
    /// It was asked to leave, or has announced that it will.
    Agreed,
    /// Its channel closed, or its process ended, and nobody had asked.
    Sudden,
}

#[derive(Debug)]
pub(crate) struct Child {
    pub pid: u32,
    pub pidfd: OwnedFd,
    /// `None`: closed.
    pub channel: Option<Channel>,
    /// Its stdout and stderr, where the primary reads them.
    pub outputs: [Option<Output>; 2],
    /// As of the events told so far.
    pub state: State,
    pub parting: Parting,
    /// When it parted without a word, if it did.
    pub parted_at: Option<Instant>,
    /// Whether it was asked to close its channel. A worker that drains has only been asked to
    /// leave.
    pub disconnecting: bool,
    /// It asked to listen and got no answer, because it was to leave. Most programs then end with
    /// an error.
    pub turned_away: bool,
    /// When it said that it is online; only the first time counts.
    pub online_at: Option<Instant>,
    /// It is one of ours: it reports what its program took, and understands `drain`.
    pub is_rust: bool,
    pub queue_limit: usize,
    pub line_limit: usize,
    /// Bytes of messages that were sent to it, and that its program took.
    pub sent: u64,
    pub taken: u64,
    /// A message was refused: the program wants to know when there is room again.
    pub told_full: bool,
    pub started: Instant,
    /// When it was reaped; `None`: not yet.
    pub ended_at: Option<Instant>,
    /// Which place it has: the number of the first worker there. A replacement takes it over.
    pub slot: u32,
    /// What its fork had of its own, for a replacement.
    pub extra: Settings,
    /// Our ends of the pipes that go both ways, by the worker's numbers.
    pub duplex: BTreeMap<i32, UnixStream>,
}

impl Child {
    pub(crate) fn new(spawned: Spawned, settings: &Settings, extra: Settings, slot: u32) -> Child {
        let (line_limit, queue_limit) = settings.limits();
        Child {
            pid: spawned.pid,
            pidfd: spawned.pidfd,
            channel: Some(Channel::new(spawned.channel, heard(line_limit))),
            outputs: [spawned.stdout.map(Output::new), spawned.stderr.map(Output::new)],
            state: State::None,
            parting: Parting::Staying,
            parted_at: None,
            disconnecting: false,
            turned_away: false,
            online_at: None,
            is_rust: false,
            queue_limit,
            line_limit,
            sent: 0,
            taken: 0,
            told_full: false,
            started: Instant::now(),
            ended_at: None,
            slot,
            extra,
            duplex: spawned.duplex,
        }
    }

    /// Marks an end that nobody had asked for. Says whether the worker had been asked to leave, or
    /// had announced it.
    pub(crate) fn parts(&mut self) -> bool {
        if self.parting == Parting::Staying {
            self.parting = Parting::Sudden;
            self.parted_at = Some(Instant::now());
        }
        self.parting == Parting::Agreed
    }

    /// Whether its process has ended and its exit status was taken.
    pub(crate) fn is_reaped(&self) -> bool {
        self.ended_at.is_some()
    }

    /// How long it lived after it was online; `None` if it never was.
    pub(crate) fn lived(&self) -> Option<Duration> {
        Some(self.ended_at?.saturating_duration_since(self.online_at?))
    }

    /// Bytes of messages that wait: for the worker to read them and, where it reports that, for its
    /// program to take them.
    pub(crate) fn waiting(&self) -> usize {
        match &self.channel {
            Some(channel) if self.is_rust => {
                let untaken = self.sent.saturating_sub(self.taken);
                // Whatever it says that it took: it cannot have what it has not read.
                usize::try_from(untaken).unwrap_or(usize::MAX).max(channel.outbox().user_bytes())
            }
            Some(channel) => channel.outbox().user_bytes(),
            None => 0,
        }
    }

    /// So little waits that it counts as nothing. A worker that reports what its program took does
    /// so in steps of this size.
    pub(crate) fn has_room(&self) -> bool {
        let step = if self.is_rust { self.queue_limit / 4 } else { 0 };
        self.waiting() <= step
    }

    /// Whether a message of this length is refused for now.
    pub(crate) fn is_full_for(&self, bytes: usize) -> bool {
        !self.has_room() && self.waiting().saturating_add(bytes) > self.queue_limit
    }
}
