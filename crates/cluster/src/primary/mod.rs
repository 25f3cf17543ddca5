//! The primary: forks workers, talks to them, and is told what happens to them.

mod child;
mod ending;
mod event;
mod output;
mod signals;
mod turn;
mod waker;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use nix::sys::signalfd::SignalFd;
use rustix::process::pidfd_send_signal;
use serde::Serialize;

pub use self::child::State;
pub use self::event::{Event, Report};
pub use self::signals::die_of;
pub use self::waker::Waker;

use self::child::Child;
use self::ending::Ending;
use crate::channel::line;
use crate::spawn::Program;
use crate::wire::Envelope;
use crate::{Error, Handle, SendError, Settings, Signal, WorkerId, sys};

/// How many bytes of messages may wait for one worker, if the settings do not say.
const QUEUE_LIMIT: usize = 1024 * 1024;

/// The primary of a cluster; Node's `cluster` object in the primary.
///
/// It has no thread of its own and does nothing behind the program's back: all work is done inside
/// [`next_event`](Primary::next_event). When it is dropped, its channels close, and workers end by themselves.
#[derive(Debug)]
pub struct Primary {
    program: Program,
    settings: Settings,
    workers: BTreeMap<WorkerId, Child>,
    last_id: u32,
    seq: u64,
    /// Events that happened and are not told yet.
    news: VecDeque<Event>,
    waker: Waker,
    signals: Option<(SignalFd, Vec<Signal>)>,
    ending: Option<Ending>,
}

/// What became of a message that was taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sent {
    /// It is in the worker's socket.
    Sent,
    /// It waits in the primary; it goes out while [`next_event`](Primary::next_event) waits.
    Queued,
}

impl Primary {
    pub(crate) fn new() -> Result<Primary, Error> {
        sys::keep_exit_statuses()
            .map_err(|errno| Error::System { what: "reset SIGCHLD", source: errno.into() })?;
        Ok(Primary {
            program: Program::this()
                .map_err(|source| Error::System { what: "find this program's file", source })?,
            settings: Settings::new(),
            workers: BTreeMap::new(),
            last_id: 0,
            seq: 0,
            news: VecDeque::new(),
            waker: Waker::new()?,
            signals: None,
            ending: None,
        })
    }

    /// Changes the settings of later forks; Node's `cluster.setupPrimary`.
    pub fn setup(&mut self, settings: Settings) {
        self.settings = self.settings.merged_with(settings);
        self.news.push_back(Event::Setup(Box::new(self.settings.clone())));
    }

    /// The settings of later forks; Node's `cluster.settings`.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Starts a worker; Node's `cluster.fork()`.
    ///
    /// It is fork(2) by name only: the same program is started again, from the top, with the same arguments, and
    /// learns from its environment that it is a worker. Nothing is shared but the channel.
    ///
    /// # Errors
    /// [`Error::Spawn`] when the program cannot be started; the number is used up. [`Error::ShuttingDown`] after
    /// [`begin_shutdown`](Primary::begin_shutdown).
    pub fn fork(&mut self) -> Result<WorkerId, Error> {
        self.fork_with(Settings::new())
    }

    /// Starts a worker with settings of its own on top of the common ones; Node's `cluster.fork(env)`.
    ///
    /// # Errors
    /// As [`fork`](Primary::fork).
    pub fn fork_with(&mut self, extra: Settings) -> Result<WorkerId, Error> {
        if self.ending.is_some() {
            return Err(Error::ShuttingDown);
        }
        self.news.push_back(Event::Setup(Box::new(self.settings.clone())));
        let settings = self.settings.merged_with(extra);
        self.last_id += 1;
        let worker = WorkerId(self.last_id);
        let spawned = crate::spawn::spawn(&self.program, &settings, worker)
            .map_err(|(program, source)| Error::Spawn { worker, program, source })?;
        let queue_limit = settings.queue_limit.unwrap_or(QUEUE_LIMIT);
        self.workers.insert(worker, Child::new(spawned, queue_limit));
        self.news.push_back(Event::Fork(worker));
        Ok(worker)
    }

    /// The workers that are there, in the order of their numbers; Node's `cluster.workers`. A worker leaves the list when its
    /// exit has been told.
    pub fn workers(&self) -> impl Iterator<Item = WorkerId> + '_ {
        self.workers.keys().copied()
    }

    /// Where a worker stands, as of the events told so far; Node's `worker.state`.
    pub fn state(&self, worker: WorkerId) -> State {
        self.workers.get(&worker).map_or(State::Dead, |child| child.state)
    }

    /// The worker's process id, while it is in [`workers`](Primary::workers); Node's `worker.process.pid`.
    pub fn pid(&self, worker: WorkerId) -> Option<u32> {
        self.workers.get(&worker).map(|child| child.pid)
    }

    /// Whether the channel to the worker is open; Node's `worker.isConnected()`.
    pub fn is_connected(&self, worker: WorkerId) -> bool {
        self.workers.get(&worker).is_some_and(|child| child.channel.is_some())
    }

    /// Whether the worker's process has ended; Node's `worker.isDead()`.
    pub fn is_dead(&self, worker: WorkerId) -> bool {
        self.workers.get(&worker).is_none_or(|child| child.reaped)
    }

    /// Whether the worker was asked to end or announced it (`Some(true)`), ended unasked (`Some(false)`), or runs
    /// (`None`); Node's `worker.exitedAfterDisconnect`.
    pub fn exited_after_disconnect(&self, worker: WorkerId) -> Option<bool> {
        self.workers.get(&worker)?.asked
    }

    /// Sends a message to a worker; Node's `worker.send(message)`. Never waits.
    ///
    /// # Errors
    /// [`SendError::Full`] gives the message back: the worker does not read, and what waits for it has reached
    /// [`Settings::queue_limit`]; [`Event::Drain`] says when it has read. [`SendError::Failed`]: no such worker, its channel is closed or about to be, or the message
    /// cannot be said in JSON.
    pub fn send<M: Serialize>(
        &mut self,
        worker: WorkerId,
        message: M,
    ) -> Result<Sent, SendError<M>> {
        let mut bytes = line(&message).map_err(Error::NotJson)?;
        self.send_line(worker, &mut bytes, &mut None).map_err(|refusal| refusal.into_error(message))
    }

    /// Sends a message and a socket; Node's `worker.send(message, handle)`. The socket is closed here once the worker has it.
    ///
    /// # Errors
    /// As [`send`](Primary::send), with the socket given back too.
    pub fn send_with<M: Serialize>(
        &mut self,
        worker: WorkerId,
        message: M,
        handle: impl Into<Handle>,
    ) -> Result<Sent, SendError<(M, Handle)>> {
        let handle = handle.into();
        let mut bytes = handle_line(&message, &handle)?;
        let mut handle = Some(handle);
        self.send_line(worker, &mut bytes, &mut handle).map_err(|refusal| match handle {
            Some(handle) => refusal.into_error((message, handle)),
            None => SendError::Failed(Error::Closed(worker)),
        })
    }

    /// Sends a message to every worker that is connected; says who could not be sent it, and why.
    ///
    /// # Errors
    /// [`Error::NotJson`] when the message cannot be said in JSON; then nobody got it.
    pub fn broadcast<M: Serialize>(&mut self, message: M) -> Result<Vec<(WorkerId, Error)>, Error> {
        let bytes = line(&message).map_err(Error::NotJson)?;
        let connected: Vec<_> = self.workers().filter(|&id| self.takes_messages(id)).collect();
        let mut missed = Vec::new();
        for worker in connected {
            if let Err(refusal) = self.send_line(worker, &mut bytes.clone(), &mut None) {
                missed.push((worker, refusal.into_error(()).into()));
            }
        }
        Ok(missed)
    }

    fn takes_messages(&self, worker: WorkerId) -> bool {
        self.workers
            .get(&worker)
            .is_some_and(|child| child.channel.is_some() && child.asked != Some(true))
    }

    /// Takes the bytes and the handle only if it can keep them.
    fn send_line(
        &mut self,
        worker: WorkerId,
        bytes: &mut Vec<u8>,
        handle: &mut Option<Handle>,
    ) -> Result<Sent, Refusal> {
        let child = self.workers.get_mut(&worker).ok_or(Error::NoSuchWorker(worker))?;
        let asked = child.asked == Some(true);
        let channel = match &mut child.channel {
            Some(channel) if !asked => channel,
            _ => return Err(Error::Closed(worker).into()),
        };
        let waiting = channel.outbox().user_bytes();
        if waiting > 0 && waiting + bytes.len() > child.queue_limit {
            child.told_full = true;
            return Err(Refusal::Full(waiting));
        }
        let traveller = handle.take().map(Handle::into_traveller).transpose();
        let traveller = traveller.map_err(Error::system("make a socket non-blocking"))?;
        channel.push(std::mem::take(bytes), traveller);
        // If the worker is gone the read side finds out and tells it; what was queued is then counted as undelivered.
        let _ = channel.flush();
        Ok(if channel.outbox().is_written() { Sent::Sent } else { Sent::Queued })
    }

    /// Asks a worker to end its work, close its channel, and leave; Node's `worker.disconnect()`. Asking again changes nothing.
    pub fn disconnect(&mut self, worker: WorkerId) {
        let seq = self.next_seq();
        let Some(child) = self.workers.get_mut(&worker) else { return };
        if child.asked == Some(true) {
            return;
        }
        if let Some(channel) = &mut child.channel {
            child.asked = Some(true);
            channel.push_internal(&Envelope::act("disconnect", seq));
            let _ = channel.flush(); // as above: the read side finds out
        }
    }

    /// Asks every worker; Node's `cluster.disconnect()`. `next_event` says `None` when all of them are gone.
    pub fn disconnect_all(&mut self) {
        let workers: Vec<_> = self.workers().collect();
        workers.into_iter().for_each(|worker| self.disconnect(worker));
    }

    /// Sends a signal to a worker's process, and nothing else; Node's `worker.kill(signal)`. A worker that is gone is left in
    /// peace: the signal goes through a pidfd, never to a stranger that got the number.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses, as for a worker with another uid.
    pub fn kill(&mut self, worker: WorkerId, signal: Signal) -> Result<(), Error> {
        let Some(child) = self.workers.get(&worker).filter(|child| !child.reaped) else {
            return Ok(());
        };
        let Some(number) = rustix::process::Signal::from_named_raw(signal as i32) else {
            return Ok(());
        };
        match pidfd_send_signal(&child.pidfd, number) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(Error::system("send a signal to a worker")(errno)),
        }
    }

    /// Asks for signals to this process as [`Event::Signal`], instead of their usual effect. May be called again for more.
    ///
    /// A primary that does not ask keeps the system's defaults: Ctrl-C ends it, and its workers follow.
    ///
    /// # Errors
    /// [`Error::System`] when the system has no descriptor left.
    pub fn signals(&mut self, signals: &[Signal]) -> Result<(), Error> {
        let mut all = self.signals.take().map_or_else(Vec::new, |(_, earlier)| earlier);
        all.extend_from_slice(signals);
        self.signals = Some((signals::signalfd(&all)?, all));
        Ok(())
    }

    /// A handle that wakes this primary from another thread.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Begins to stop, and returns at once: every worker is asked to disconnect; who is still there after `grace` gets
    /// SIGTERM; who is still there after the grace once more (at most one second) gets SIGKILL. `next_event`
    /// goes on telling, and [`Event::Stopped`] comes last. A second call can only hurry.
    pub fn begin_shutdown(&mut self, grace: Duration) {
        let now = Instant::now();
        match &mut self.ending {
            Some(ending) => ending.hurry(now, grace),
            None => {
                self.ending = Some(Ending::new(now, grace));
                self.disconnect_all();
                self.tell_if_stopped();
            }
        }
    }

    fn next_seq(&mut self) -> u64 {
        let seq = self.seq;
        self.seq += 1;
        seq
    }
}

/// Why a line was not taken.
enum Refusal {
    Full(usize),
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Failed(error)
    }
}

impl Refusal {
    fn into_error<M>(self, message: M) -> SendError<M> {
        match self {
            Refusal::Full(waiting) => SendError::Full(message, waiting),
            Refusal::Failed(error) => SendError::Failed(error),
        }
    }
}

/// A message in the wrapper of its handle.
pub(crate) fn handle_line(message: &impl Serialize, handle: &Handle) -> Result<Vec<u8>, Error> {
    let (start, end) = handle.wrapper();
    let mut bytes = start.as_bytes().to_vec();
    serde_json::to_writer(&mut bytes, message).map_err(Error::NotJson)?;
    bytes.extend_from_slice(end.as_bytes());
    Ok(bytes)
}
