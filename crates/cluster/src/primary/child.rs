//! What the primary knows of one worker.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::output::Output;
use crate::Settings;
use crate::channel::Channel;
use crate::spawn::Spawned;

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
    /// Whether it was asked to end, or announced it; `None` while it runs unasked.
    pub asked: Option<bool>,
    pub reaped: bool,
    /// Bytes of messages that may wait for it.
    pub queue_limit: usize,
    /// A message was refused: the program wants to know when there is room again.
    pub told_full: bool,
    pub started: Instant,
    /// When it said that it is online; only the first time counts.
    pub online_at: Option<Instant>,
    pub ended_at: Option<Instant>,
    /// Which place it has: the number of the first worker there.
    pub slot: u32,
    /// What its fork had of its own, for a replacement.
    pub extra: Settings,
    /// Our ends of the pipes that go both ways, by the worker's numbers.
    pub duplex: BTreeMap<i32, UnixStream>,
}

impl Child {
    pub(crate) fn new(spawned: Spawned, queue_limit: usize, slot: u32, extra: Settings) -> Child {
        Child {
            pid: spawned.pid,
            pidfd: spawned.pidfd,
            channel: Some(Channel::new(spawned.channel)),
            outputs: [spawned.stdout.map(Output::new), spawned.stderr.map(Output::new)],
            state: State::None,
            asked: None,
            reaped: false,
            queue_limit,
            told_full: false,
            started: Instant::now(),
            online_at: None,
            ended_at: None,
            slot,
            extra,
            duplex: spawned.duplex,
        }
    }

    /// How long it lived after it was online; `None` if it never was.
    pub(crate) fn lived(&self) -> Option<Duration> {
        Some(self.ended_at?.saturating_duration_since(self.online_at?))
    }
}
