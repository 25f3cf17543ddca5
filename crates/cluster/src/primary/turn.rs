//! The primary's loop: wait for news, read what workers wrote, reap who ended, push the stubborn.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::ending::Firmness;
use super::{Event, Primary, State, signals};
use crate::channel::{Filled, Wait};
use crate::wire::{Envelope, Incoming, Received};
use crate::{Error, Exit, Message, Signal, WorkerId};

/// Where news can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Waker,
    Signals,
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
            if self.workers.is_empty() {
                return Ok(None);
            }
            // Also then it looks once, or a program that is always late would never hear anything.
            let late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            self.push_the_stubborn();
            for source in self.wait_for_news(deadline)? {
                match source {
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
            Event::Exit { worker, .. } => {
                self.workers.remove(worker);
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
    fn wait_for_news(&self, deadline: Option<Instant>) -> Result<Vec<Source>, Error> {
        let ending = self.ending.as_ref().and_then(|ending| ending.deadline());
        let due = deadline.into_iter().chain(ending).min();
        let timeout = due.map(crate::time_left);
        let (sources, mut fds) = self.watched();
        match poll(&mut fds, timeout.as_ref()) {
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
                let mut wanted = PollFlags::IN;
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

    fn read_output(&mut self, worker: WorkerId, stream: usize) {
        let Some(child) = self.workers.get_mut(&worker) else { return };
        let Some(output) = &mut child.outputs[stream] else { return };
        let (lines, open) = output.read();
        if !open {
            child.outputs[stream] = None;
        }
        self.news.extend(lines.into_iter().map(|line| Event::Output(worker, line)));
    }

    /// Reads once from a worker's channel, acts on what came, and writes what waits.
    fn read_channel(&mut self, worker: WorkerId) {
        let Some(channel) = self.channel(worker) else { return };
        let filled = channel.fill(Wait::No).unwrap_or(Filled::Closed);
        self.hear(worker);
        if filled == Filled::Closed {
            self.channel_closed(worker);
        } else if let Some(channel) = self.channel(worker) {
            // It fails when the worker is gone; the next read says so.
            let _ = channel.flush();
        }
    }

    fn channel(&mut self, worker: WorkerId) -> Option<&mut crate::channel::Channel> {
        self.workers.get_mut(&worker)?.channel.as_mut()
    }

    /// Acts on the messages that are here whole.
    fn hear(&mut self, worker: WorkerId) {
        while let Some(incoming) = self.channel(worker).and_then(|channel| channel.next()) {
            match incoming {
                Incoming::User(value) => {
                    self.news.push_back(Event::Message(worker, Message::from(value)));
                }
                Incoming::UserWithHandle(value, fd) => {
                    let (message, error) = Message::with_descriptor(value, fd);
                    self.news.extend(error.map(|error| Event::Error(worker, error)));
                    self.news.push_back(Event::Message(worker, message));
                }
                Incoming::Cluster(received) => self.obey(worker, &received),
                Incoming::Nack => self.send_again(worker),
                Incoming::Bad(bad) => self.news.push_back(Event::Error(worker, bad.into())),
                // No act of a worker's brings a descriptor; dropping closes it. The rest the channel keeps to itself.
                _ => {}
            }
        }
    }

    /// What a worker says to the cluster layer. What nobody here knows is ignored, as Node does.
    fn obey(&mut self, worker: WorkerId, received: &Received) {
        match received.act() {
            Some("online") => self.news.push_back(Event::Online(worker)),
            Some("exitedAfterDisconnect") => {
                let seq = self.next_seq();
                let Some(child) = self.workers.get_mut(&worker) else { return };
                child.asked = Some(true);
                if let (Some(channel), Some(ack)) = (&mut child.channel, received.seq()) {
                    channel.push_internal(&Envelope::answer(ack, seq));
                }
            }
            _ => {}
        }
    }

    fn send_again(&mut self, worker: WorkerId) {
        if self.channel(worker).is_some_and(|channel| !channel.resend_handle()) {
            self.news.push_back(Event::Error(worker, Error::Undelivered(1)));
        }
    }

    /// The channel is closed: says so, after everything that the worker had written before.
    fn channel_closed(&mut self, worker: WorkerId) {
        for stream in 0..2 {
            self.read_output(worker, stream);
        }
        let Some(child) = self.workers.get_mut(&worker) else { return };
        let Some(channel) = child.channel.take() else { return };
        child.asked.get_or_insert(false);
        let lost = channel.outbox().undelivered();
        if lost > 0 {
            self.news.push_back(Event::Error(worker, Error::Undelivered(lost)));
        }
        self.news.push_back(Event::Disconnect(worker));
    }

    /// Takes the exit status of a worker that has ended, and tells first what it left behind.
    fn reap(&mut self, worker: WorkerId) -> Result<(), Error> {
        let Some(child) = self.workers.get(&worker) else { return Ok(()) };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let status = match waitid(WaitId::PidFd(child.pidfd.as_fd()), options) {
            Ok(Some(status)) => status,
            Ok(None) | Err(Errno::INTR) => return Ok(()),
            Err(errno) => return Err(Error::system("reap a worker")(errno)),
        };
        let exit = match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, signal) => Exit::from_signal(signal.unwrap_or_default()),
        };
        self.read_the_rest(worker);
        if let Some(child) = self.workers.get_mut(&worker) {
            child.reaped = true;
            let voluntary = *child.asked.get_or_insert(false);
            self.news.push_back(Event::Exit { worker, exit, voluntary });
        }
        if let Some(ending) = &mut self.ending {
            ending.gone(worker);
        }
        self.tell_if_stopped();
        Ok(())
    }

    /// What a dead worker wrote is still in its socket and pipes. Whoever else may hold the other ends (a
    /// program that the worker started) is not waited for.
    fn read_the_rest(&mut self, worker: WorkerId) {
        while let Some(channel) = self.channel(worker) {
            let filled = channel.fill(Wait::No).unwrap_or(Filled::Closed);
            self.hear(worker);
            if filled != Filled::Data {
                break;
            }
        }
        if let Some(child) = self.workers.get_mut(&worker) {
            let outputs = child.outputs.iter_mut().filter_map(Option::take);
            let lines = outputs.flat_map(|output| output.drain());
            self.news.extend(lines.map(|line| Event::Output(worker, line)));
        }
        self.channel_closed(worker);
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
