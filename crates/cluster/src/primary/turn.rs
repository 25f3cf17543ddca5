//! The primary's loop: wait for news, take connections, read what workers wrote, reap who ended,
//! start who is due, push the stubborn.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::due::Gone;
use super::ending::Firmness;
use super::listener::ListenerId;
use super::{Event, Primary, State, signals};
use crate::eager::Eager;
use crate::{Error, Exit, Signal, WorkerId};

/// How many bytes of answers to its questions a worker may leave unread.
const MOST_ANSWERS: usize = 1024 * 1024;

/// Where news can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Waker,
    Signals,
    Listener(ListenerId),
    /// One of a worker's standard streams.
    Output(WorkerId, usize),
    Channel(WorkerId),
    Process(WorkerId),
}

impl Primary {
    /// Waits for the next event. `None`: no worker is left, and none is due.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses to wait; never because of what a worker did.
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        self.next(None)
    }

    /// Waits for the next event, but no longer than until the deadline; then it is [`Event::Deadline`].
    ///
    /// # Errors
    /// As [`next_event`](Primary::next_event).
    pub fn next_event_before(&mut self, deadline: Instant) -> Result<Option<Event>, Error> {
        self.next(Some(deadline))
    }

    /// The events as an iterator, which ends when no worker is left.
    pub fn events(&mut self) -> impl Iterator<Item = Result<Event, Error>> + '_ {
        std::iter::from_fn(|| self.next_event().transpose())
    }

    fn next(&mut self, deadline: Option<Instant>) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.news.pop_front() {
                self.note(&event);
                return Ok(Some(event));
            }
            if self.workers.is_empty() && self.due.is_empty() {
                self.close_orphans();
                return Ok(None);
            }
            // Also then it looks once, or a program that is always late would never hear anything.
            let late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            self.push_the_stubborn();
            self.fork_who_is_due()?;
            self.close_orphans();
            self.wake_the_rested();
            let mut eager = self.eager;
            let ready = self.wait_for_news(&mut eager, deadline)?;
            eager.learn(!ready.is_empty());
            self.eager = eager;
            for source in ready {
                match source {
                    Source::Listener(listener) => self.accept(listener),
                    Source::Waker => self.hear_the_waker(),
                    Source::Signals => self.take_signals(),
                    Source::Output(worker, stream) => self.read_output(worker, stream),
                    Source::Channel(worker) => self.read_channel(worker),
                    Source::Process(worker) => self.reap(worker)?,
                }
            }
            if late && self.news.is_empty() {
                return Ok(Some(Event::Deadline));
            }
        }
    }

    /// What the program sees of a worker changes when it is told, not before.
    fn note(&mut self, event: &Event) {
        let (worker, state) = match event {
            Event::Online(worker) => (worker, State::Online),
            Event::Disconnect(worker) => (worker, State::Disconnected),
            Event::Listening(worker, _) => (worker, State::Listening),
            Event::Exit { worker, .. } => {
                self.gone = self.workers.remove(worker).map(|child| Gone::new(*worker, child));
                return;
            }
            _ => return,
        };
        if let Some(child) = self.workers.get_mut(worker) {
            child.state = state;
        }
    }

    /// Sleeps until something is ready or due, and says what is ready, in the order in which it is to be looked at: what a worker
    /// wrote comes before its end.
    fn wait_for_news(
        &self,
        eager: &mut Eager,
        deadline: Option<Instant>,
    ) -> Result<Vec<Source>, Error> {
        let ending = self.ending.as_ref().and_then(|ending| ending.deadline());
        let fork = self.due.iter().map(|due| due.at).min();
        let due = deadline.into_iter().chain(ending).chain(fork).chain(self.listeners_due()).min();
        let timeout = due.map(crate::time_left);
        let (sources, mut fds) = self.watched();
        match eager.poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::system("wait for events")(errno)),
        }
        let ready = sources.iter().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty());
        Ok(ready.map(|(source, _)| *source).collect())
    }

    fn watched(&self) -> (Vec<Source>, Vec<PollFd<'_>>) {
        let room = 2 + 3 * self.workers.len();
        let mut watched =
            Watched { sources: Vec::with_capacity(room), fds: Vec::with_capacity(room) };
        watched.add(Source::Waker, self.waker.as_fd(), PollFlags::IN);
        if let Some((signals, _)) = &self.signals {
            watched.add(Source::Signals, signals.as_fd(), PollFlags::IN);
        }
        let now = Instant::now();
        for (&id, listener) in &self.listeners.all {
            if let Some(socket) = listener.accepts(now) {
                watched.add(Source::Listener(id), socket.as_fd(), PollFlags::IN);
            }
        }
        for (&worker, child) in &self.workers {
            for (stream, output) in child.outputs.iter().enumerate() {
                if let Some(output) = output {
                    watched.add(
                        Source::Output(worker, stream),
                        output.pipe().as_fd(),
                        PollFlags::IN,
                    );
                }
            }
            if let Some(channel) = &child.channel {
                let mut wanted = PollFlags::empty();
                // Who asks and never reads the answers is not listened to any more: they would fill our memory.
                wanted.set(PollFlags::IN, channel.outbox().internal_bytes() < MOST_ANSWERS);
                wanted.set(PollFlags::OUT, channel.wants_write());
                watched.add(Source::Channel(worker), channel.socket().as_fd(), wanted);
            }
            if !child.reaped {
                watched.add(Source::Process(worker), child.pidfd.as_fd(), PollFlags::IN);
            }
        }
        (watched.sources, watched.fds)
    }

    fn hear_the_waker(&mut self) {
        if self.waker.take() {
            self.news.push_back(Event::Woken);
        }
    }

    fn take_signals(&mut self) {
        let Some((signals, _)) = &self.signals else { return };
        while let Some(signal) = signals::read(signals) {
            self.news.push_back(Event::Signal(signal));
        }
    }

    /// Takes the exit status of a worker that has ended, and tells first what it left behind.
    fn reap(&mut self, worker: WorkerId) -> Result<(), Error> {
        let Some(child) = self.workers.get(&worker) else { return Ok(()) };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let exit = match waitid(WaitId::PidFd(child.pidfd.as_fd()), options) {
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Exit::Code(code),
                (None, signal) => Exit::from_signal(signal.unwrap_or_default()),
            },
            Ok(None) | Err(Errno::INTR) => return Ok(()),
            // Somebody else in this process waits for children, whichever they are.
            Err(Errno::CHILD) => Exit::Unknown,
            Err(errno) => return Err(Error::system("reap a worker")(errno)),
        };
        self.read_the_rest(worker);
        if let Some(child) = self.workers.get_mut(&worker) {
            child.reaped = true;
            child.ended_at = Some(Instant::now());
            let voluntary = *child.asked.get_or_insert(false);
            self.news.push_back(Event::Exit { worker, exit, voluntary });
        }
        if let Some(ending) = &mut self.ending {
            ending.gone(worker);
        }
        self.tell_if_stopped();
        Ok(())
    }

    pub(super) fn tell_if_stopped(&mut self) {
        if self.workers.values().all(|child| child.reaped) {
            let report = self.ending.as_mut().and_then(|ending| ending.report());
            self.news.extend(report.map(Event::Stopped));
        }
    }

    /// In a shutdown: a signal for those that are still there when their time is over.
    fn push_the_stubborn(&mut self) {
        let Some(firmness) = self.ending.as_mut().and_then(|ending| ending.step(Instant::now()))
        else {
            return;
        };
        let signal = match firmness {
            Firmness::Terminate => Signal::SIGTERM,
            Firmness::Kill => Signal::SIGKILL,
        };
        let stubborn = self.workers.iter().filter(|(_, child)| !child.reaped);
        for worker in stubborn.map(|(&worker, _)| worker).collect::<Vec<_>>() {
            if let Some(ending) = &mut self.ending {
                ending.signalled(worker, firmness);
            }
            // It fails for a worker with another uid; then only the operator can end it.
            let _ = self.kill(worker, signal);
        }
    }
}

/// What poll(2) watches, and whose news each descriptor brings.
struct Watched<'a> {
    sources: Vec<Source>,
    fds: Vec<PollFd<'a>>,
}

impl<'a> Watched<'a> {
    fn add(&mut self, source: Source, fd: BorrowedFd<'a>, wanted: PollFlags) {
        self.sources.push(source);
        self.fds.push(PollFd::from_borrowed_fd(fd, wanted));
    }
}
