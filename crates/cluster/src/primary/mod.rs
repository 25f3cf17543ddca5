//! The primary: forks workers, talks to them, and is told what happens to them.

mod child;
mod due;
mod ending;
mod event;
mod handover;
mod hear;
mod listener;
mod listening;
mod output;
mod rotation;
mod send;
mod signals;
mod turn;
mod waker;

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::signalfd::SignalFd;
use rustix::process::pidfd_send_signal;

pub use self::child::State;
pub use self::event::{Event, Report};
pub use self::send::Sent;
pub use self::signals::die_of;
pub use self::waker::Waker;

pub(crate) use self::send::handle_line;

use self::child::Child;
use self::due::{Due, Gone};
use self::ending::Ending;
use self::listener::Listeners;
use crate::eager::Eager;
use crate::program::Program;
use crate::wire::Envelope;
use crate::{Error, HeldProgram, SchedulingPolicy, Settings, Signal, WorkerId, sys};

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
    scheduling_policy: SchedulingPolicy,
    listeners: Listeners,
    due: Vec<Due>,
    /// The worker whose exit was told last.
    gone: Option<Gone>,
    eager: Eager,
}

impl Primary {
    pub(crate) fn new() -> Result<Primary, Error> {
        sys::keep_exit_statuses()
            .map_err(|errno| Error::System { what: "reset SIGCHLD", source: errno.into() })?;
        sys::obey_signals_as_first_process()
            .map_err(|errno| Error::System { what: "handle signals", source: errno.into() })?;
        // A Node program that forked this one talks to us there, and not to our workers.
        let channel = std::env::var("NODE_CHANNEL_FD").ok().and_then(|number| number.parse().ok());
        channel.into_iter().for_each(sys::close_in_children);
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
            scheduling_policy: SchedulingPolicy::from_environment(),
            listeners: Listeners::default(),
            due: Vec::new(),
            gone: None,
            eager: Eager::new(),
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
        let worker = self.reserve();
        self.start(worker, worker.get(), extra)?;
        Ok(worker)
    }

    /// The number of a worker that will be.
    fn reserve(&mut self) -> WorkerId {
        self.last_id += 1;
        WorkerId(self.last_id)
    }

    fn start(&mut self, worker: WorkerId, slot: u32, extra: Settings) -> Result<(), Error> {
        self.news.push_back(Event::Setup(Box::new(self.settings.clone())));
        let settings = self.settings.merged_with(extra.clone());
        let spawned = crate::spawn::spawn(&self.program, &settings, worker, self.scheduling_policy)
            .map_err(|(program, source)| Error::Spawn { worker, program, source })?;
        let (_, queue_limit) = settings.limits();
        self.workers.insert(worker, Child::new(spawned, queue_limit, slot, extra));
        self.news.push_back(Event::Fork(worker));
        Ok(())
    }

    /// Holds what is on this program's path now: a release that can be forked ([`Settings::held`])
    /// when the next one is there. If the path is gone: the file that this process runs.
    ///
    /// # Errors
    /// [`Error::System`] when the file cannot be opened, as when no descriptor is left.
    pub fn hold_program(&self) -> Result<HeldProgram, Error> {
        let failed = |source| Error::System { what: "open this program's file", source };
        self.program.hold().map_err(failed)
    }

    /// Who chooses the worker for a connection; Node's `cluster.schedulingPolicy`.
    pub fn scheduling_policy(&self) -> SchedulingPolicy {
        self.scheduling_policy
    }

    /// Chooses who chooses, while no worker is there. If never called: what `NODE_CLUSTER_SCHED_POLICY` says (`rr` or `none`), or
    /// [`SchedulingPolicy::RoundRobin`]. In Node the choice is final; here it may change when all workers are gone.
    ///
    /// # Errors
    /// [`Error::PolicyFrozen`] while a worker is there or due, or a listener waits for the replacement of one: they rely on it.
    pub fn set_scheduling_policy(&mut self, policy: SchedulingPolicy) -> Result<(), Error> {
        if !(self.workers.is_empty() && self.due.is_empty() && self.listeners.all.is_empty()) {
            return Err(Error::PolicyFrozen);
        }
        self.scheduling_policy = policy;
        Ok(())
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

    /// Our end of the pipe that goes both ways and has this number in the worker ([`Settings::duplex`]), once.
    pub fn take_duplex(&mut self, worker: WorkerId, number: i32) -> Option<UnixStream> {
        self.workers.get_mut(&worker)?.duplex.remove(&number)
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

    /// Begins to stop, and returns at once: forks that are due are cancelled; every worker is asked to disconnect; who is still there after `grace` gets
    /// SIGTERM; who is still there after the grace once more (at most one second) gets SIGKILL. `next_event`
    /// goes on telling, and [`Event::Stopped`] comes last. A second call can only hurry.
    ///
    /// Under [`SchedulingPolicy::RoundRobin`] the listeners close now, however busy the workers are: who comes later is refused,
    /// and can go elsewhere at once. Who has come, and was not handed to a worker yet, is disconnected.
    pub fn begin_shutdown(&mut self, grace: Duration) {
        let now = Instant::now();
        match &mut self.ending {
            Some(ending) => ending.hurry(now, grace),
            None => {
                self.ending = Some(Ending::new(now, grace));
                self.due.clear();
                self.disconnect_all();
                self.close_what_only_we_hold();
                self.tell_if_stopped();
            }
        }
    }

    /// Whether the shutdown has begun.
    pub(crate) fn is_stopping(&self) -> bool {
        self.ending.is_some()
    }

    fn next_seq(&mut self) -> u64 {
        let seq = self.seq;
        self.seq += 1;
        seq
    }
}
