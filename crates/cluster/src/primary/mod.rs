//! The primary: forks workers, talks to them, and is told what happens to them.

mod child;
mod ending;
mod event;
mod forks;
mod hands;
mod hear;
mod output;
mod reap;
mod reserve;
mod send;
mod signals;
mod stopping;
mod switchboard;
mod turn;
mod waker;
mod watch;

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::net::UnixStream;

use nix::sys::signalfd::SignalFd;
use rustix::process::pidfd_send_signal;

pub use self::child::State;
pub use self::event::{Event, Report};
pub use self::send::Sent;
pub use self::signals::die_of;
pub use self::waker::Waker;

use self::child::{Child, Parting};
use self::ending::Ending;
use self::forks::{Due, Gone};
use self::reserve::Reserve;
use self::switchboard::Switchboard;
use crate::eager::Eager;
use crate::program::Program;
use crate::wire::Envelope;
use crate::{Error, HeldProgram, SchedulingPolicy, Settings, Signal, WorkerId, sys};

/// The primary of a cluster; Node's `cluster` object in the primary.
///
/// It has no thread of its own and does nothing behind the program's back: all work is done inside
/// [`next_event`](Primary::next_event). When it is dropped, its channels close, and workers end by
/// themselves.
#[derive(Debug)]
pub struct Primary {
    program: Program,
    settings: Settings,
    workers: BTreeMap<WorkerId, Child>,
    last_id: u32,
    /// Events that happened and are not told yet.
    news: VecDeque<Event>,
    waker: Waker,
    signals: Option<(SignalFd, Vec<Signal>)>,
    /// Says that some child has ended, where strangers are reaped as well.
    children: Option<SignalFd>,
    /// More strangers have ended than were reaped in one turn.
    strangers_left: bool,
    ending: Option<Ending>,
    scheduling_policy: SchedulingPolicy,
    switchboard: Switchboard,
    reserve: Reserve,
    /// Forks that are put off.
    due: Vec<Due>,
    /// The workers whose exits were told last.
    gone: VecDeque<Gone>,
    holds_listeners: bool,
    eager: Eager,
}

impl Primary {
    pub(crate) fn new() -> Result<Primary, Error> {
        sys::keep_exit_statuses()
            .map_err(|errno| Error::System { what: "reset SIGCHLD", source: errno.into() })?;
        sys::obey_signals_as_first_process()
            .map_err(|errno| Error::System { what: "handle signals", source: errno.into() })?;
        // Whoever has forked this program with Node's `fork` talks to us there, and not to our
        // workers.
        let channel = std::env::var("NODE_CHANNEL_FD").ok().and_then(|number| number.parse().ok());
        channel.into_iter().for_each(sys::close_in_children);
        Ok(Primary {
            program: Program::this()
                .map_err(|source| Error::System { what: "find this program's file", source })?,
            settings: Settings::new(),
            workers: BTreeMap::new(),
            last_id: 0,
            news: VecDeque::new(),
            waker: Waker::new()?,
            signals: None,
            children: None,
            strangers_left: false,
            ending: None,
            scheduling_policy: SchedulingPolicy::from_environment(),
            switchboard: Switchboard::default(),
            reserve: Reserve::default(),
            due: Vec::new(),
            gone: VecDeque::new(),
            holds_listeners: false,
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

    /// Holds the program that is on this program's path now: a release that can be forked
    /// ([`Settings::held`]) when the next one is there. If the path is gone: the file that this
    /// process runs.
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

    /// Chooses who chooses, while no worker is there. If never called: what
    /// `NODE_CLUSTER_SCHED_POLICY` says (`rr` or `none`), or [`SchedulingPolicy::RoundRobin`]. In
    /// Node the choice is final; here it may change when all workers are gone.
    ///
    /// # Errors
    /// [`Error::PolicyFrozen`] while a worker is there or due, or a listener waits for the
    /// replacement of one: they rely on it.
    pub fn set_scheduling_policy(&mut self, policy: SchedulingPolicy) -> Result<(), Error> {
        if !(self.workers.is_empty() && self.due.is_empty() && self.switchboard.is_empty()) {
            return Err(Error::PolicyFrozen);
        }
        self.scheduling_policy = policy;
        Ok(())
    }

    /// The workers that are there, in the order of their numbers; Node's `cluster.workers`. A
    /// worker leaves the list when its exit has been told.
    pub fn workers(&self) -> impl Iterator<Item = WorkerId> + '_ {
        self.workers.keys().copied()
    }

    /// Where a worker stands, as of the events told so far; Node's `worker.state`.
    pub fn state(&self, worker: WorkerId) -> State {
        self.workers.get(&worker).map_or(State::Dead, |child| child.state)
    }

    /// The worker's process id, while it is in [`workers`](Primary::workers); Node's
    /// `worker.process.pid`.
    pub fn pid(&self, worker: WorkerId) -> Option<u32> {
        self.workers.get(&worker).map(|child| child.pid)
    }

    /// Our end of the pipe that goes both ways and has this number in the worker
    /// ([`Settings::duplex`]), once.
    pub fn take_duplex(&mut self, worker: WorkerId, number: i32) -> Option<UnixStream> {
        self.workers.get_mut(&worker)?.duplex.remove(&number)
    }

    /// Whether the channel to the worker is open; Node's `worker.isConnected()`.
    pub fn is_connected(&self, worker: WorkerId) -> bool {
        self.workers.get(&worker).is_some_and(|child| child.channel.is_some())
    }

    /// Whether the worker's process has ended; Node's `worker.isDead()`.
    pub fn is_dead(&self, worker: WorkerId) -> bool {
        self.workers.get(&worker).is_none_or(|child| child.is_reaped())
    }

    /// Whether the worker was asked to end or announced it (`Some(true)`), ended unasked
    /// (`Some(false)`), or runs (`None`); Node's `worker.exitedAfterDisconnect`.
    pub fn exited_after_disconnect(&self, worker: WorkerId) -> Option<bool> {
        match self.workers.get(&worker)?.parting {
            Parting::Staying => None,
            Parting::Agreed => Some(true),
            Parting::Sudden => Some(false),
        }
    }

    /// Asks a worker to end its work, close its channel, and leave; Node's `worker.disconnect()`.
    /// It gets no connection any more. Asking again changes nothing.
    pub fn disconnect(&mut self, worker: WorkerId) {
        let seq = self.switchboard.next_seq();
        let Some(child) = self.workers.get_mut(&worker).filter(|it| !it.disconnecting) else {
            return;
        };
        if let Some(channel) = &mut child.channel {
            child.parting = Parting::Agreed;
            child.disconnecting = true;
            channel.push_internal(&Envelope::act("disconnect", seq));
            let _ = channel.flush(); // if the worker is gone, the read side finds out
            self.switchboard.leaves(worker, true);
            self.carry_out();
        }
    }

    /// Asks every worker, and gives up those that are due; Node's `cluster.disconnect()`.
    /// `next_event` says `None` when all of them are gone.
    pub fn disconnect_all(&mut self) {
        self.due.clear();
        let workers: Vec<_> = self.workers().collect();
        workers.into_iter().for_each(|worker| self.disconnect(worker));
    }

    /// Sends a signal to a worker's process, and nothing else; Node's `worker.kill(signal)`. A
    /// worker that is gone is left in peace: the signal goes through a pidfd, never to a stranger
    /// that got the number.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses, as for a worker with another uid.
    pub fn kill(&mut self, worker: WorkerId, signal: Signal) -> Result<(), Error> {
        let Some(child) = self.workers.get(&worker).filter(|child| !child.is_reaped()) else {
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

    /// Asks for signals to this process as [`Event::Signal`], instead of their usual effect. May be
    /// called again for more.
    ///
    /// A primary that does not ask keeps the system's defaults: Ctrl-C ends it, and its workers
    /// follow.
    ///
    /// # Errors
    /// [`Error::System`] when the system has no descriptor left.
    pub fn signals(&mut self, signals: &[Signal]) -> Result<(), Error> {
        let mut all = self.signals.as_ref().map_or_else(Vec::new, |(_, earlier)| earlier.clone());
        all.extend_from_slice(signals);
        self.signals = Some((signals::signalfd(&all)?, all));
        Ok(())
    }

    /// A handle that wakes this primary from another thread.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Whether the worker waits for a connection, as far as it has said: under
    /// [`SchedulingPolicy::RoundRobin`] it is in the queue of those that wait. (A Node worker
    /// counts as waiting from the moment that it answered, however busy it is.) Under
    /// [`SchedulingPolicy::Shared`] the primary is not told, and this is false.
    ///
    /// It changes inside [`next_event`](Primary::next_event) with every connection;
    /// [`tell_when_idle`](Primary::tell_when_idle) tells of it.
    pub fn is_idle(&self, worker: WorkerId) -> bool {
        self.switchboard.is_idle(worker)
    }

    /// Asks for [`Event::Idle`] when this worker waits for a connection: once, and at once if it
    /// waits already. Under [`SchedulingPolicy::Shared`] it never comes, as with
    /// [`is_idle`](Primary::is_idle).
    pub fn tell_when_idle(&mut self, worker: WorkerId) {
        if self.workers.contains_key(&worker) {
            self.switchboard.tell_when_idle(worker);
            self.carry_out();
        }
    }

    /// Takes no connection any more on the sockets that workers share
    /// ([`SchedulingPolicy::Shared`]): whoever waits in accept(2) gets `EINVAL`, in every worker at
    /// once, and new clients are refused. Those that were connected and not yet accepted are reset.
    /// A socket that this process was started with is left as it is: whoever started it holds it as
    /// well.
    ///
    /// For workers that gave the socket to a library
    /// ([`Listener::into_std`](crate::Listener::into_std)) which cannot stop by itself, and for
    /// [`disconnect_all`](Primary::disconnect_all); [`begin_shutdown`](Primary::begin_shutdown)
    /// does this itself, at the right moment. A worker that begins to listen after it opens the
    /// socket again.
    pub fn stop_accepting(&mut self) {
        self.switchboard.stop_accepting();
    }
}
