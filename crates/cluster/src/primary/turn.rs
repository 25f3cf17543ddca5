//! The primary's loop: push the stubborn, start who is due, wait for news, take connections, read
//! what workers wrote, reap who ended.

use std::time::Instant;

use super::watch::Source;
use super::{Event, Primary, State, signals};
use crate::{Error, Signal, WorkerId};

/// How many signals one turn takes.
const SIGNALS_AT_ONCE: usize = 64;

impl Primary {
    /// Waits for the next event. `None`: no worker is left, and none is due.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses to wait: then this process itself cannot go on.
    /// Never because of what a worker did, and never because one could not be started.
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        self.next(None)
    }

    /// Waits for the next event, but no longer than until the deadline; then it is
    /// [`Event::Deadline`].
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
            if self.workers.is_empty() && !self.expects_somebody() {
                self.close_orphans();
                return Ok(None);
            }
            // Also then it looks once, or a program that is always late would never hear anything.
            let late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            self.do_what_is_due();
            if !self.news.is_empty() {
                continue;
            }
            let mut eager = self.eager;
            let ready = self.wait_for_news(&mut eager, deadline)?;
            eager.learn(!ready.is_empty());
            self.eager = eager;
            for source in ready {
                self.look_at(source);
                self.carry_out();
            }
            self.disconnect_when_drained();
            if late && self.news.is_empty() {
                return Ok(Some(Event::Deadline));
            }
        }
    }

    /// What time alone brings.
    fn do_what_is_due(&mut self) {
        self.push_the_stubborn();
        self.fork_who_is_due();
        self.close_orphans();
        if std::mem::take(&mut self.strangers_left) {
            self.reap_all_strangers();
        }
        let now = Instant::now();
        if self.reserve.look_again(now, &self.waker) {
            self.take_handles_again();
        }
        self.switchboard.tick(now, self.scheduling_policy, &mut self.reserve);
        self.carry_out();
        self.disconnect_when_drained();
    }

    fn look_at(&mut self, source: Source) {
        match source {
            Source::Listener(listener) => self.switchboard.arrived(listener, &mut self.reserve),
            Source::Waker => self.hear_the_waker(),
            Source::Signals => self.take_signals(),
            Source::Children => self.reap_all_strangers(),
            Source::Output(worker, stream) => self.read_output(worker, stream),
            Source::Channel(worker) => self.read_channel(worker),
            Source::Process(worker) => self.reap(worker),
        }
    }

    /// Closes the listeners whose last user crashed, once nobody can be expected to come for them.
    fn close_orphans(&mut self) {
        let crashed: Vec<WorkerId> = self.switchboard.orphaned_by().collect();
        for crashed in crashed {
            if self.hope_after(crashed).is_none() {
                self.switchboard.abandon(crashed);
            }
        }
    }

    /// What the program sees of a worker changes when it is told, not before.
    fn note(&mut self, event: &Event) {
        let (worker, state) = match event {
            Event::Online(worker) => (worker, State::Online),
            Event::Disconnect(worker) => (worker, State::Disconnected),
            Event::Listening(worker, _) => (worker, State::Listening),
            Event::Exit { worker, .. } => return self.remember(*worker),
            _ => return,
        };
        if let Some(child) = self.workers.get_mut(worker) {
            child.state = state;
        }
    }

    fn hear_the_waker(&mut self) {
        if self.waker.take() {
            self.news.push_back(Event::Woken);
        }
    }

    fn take_signals(&mut self) {
        for _ in 0..SIGNALS_AT_ONCE {
            let Some(signal) = self.signals.as_ref().and_then(|(fd, _)| signals::read(fd)) else {
                return;
            };
            self.news.push_back(Event::Signal(signal));
            if signal == Signal::SIGCHLD && self.children.is_some() {
                self.reap_all_strangers(); // whichever of our two descriptors the signal came by
            }
        }
    }
}
