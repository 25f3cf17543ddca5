//! What a worker's handles share: its state under a lock, and the one thread at a time that waits
//! for more.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::origin::Origin;
use super::state::State;
use super::watcher::Watcher;
use crate::channel::Channel;
use crate::eager::Eager;
use crate::rest::REST;
use crate::terms::{LINE_LIMIT, Terms, heard};
use crate::wakeup::Wakeup;
use crate::wire::Envelope;
use crate::{Error, WorkerId};

#[derive(Debug)]
pub(super) struct Core {
    pub id: WorkerId,
    /// `None`: the primary is not ours.
    pub terms: Option<Terms>,
    /// The channel's socket, to be waited for without holding the lock.
    socket: Arc<OwnedFd>,
    state: Mutex<State>,
    /// Told whenever the thread that waits has read something.
    news: Condvar,
    /// Readable when the thread that waits has to look again at what it waits for.
    interrupt: Arc<Wakeup>,
}

impl Core {
    pub(super) fn new(id: WorkerId, socket: OwnedFd, terms: Option<Terms>) -> Result<Core, Error> {
        let primary = Origin::follow(&socket)?.open()?;
        let channel =
            Channel::new(socket, heard(terms.map_or(LINE_LIMIT, |terms| terms.line_limit)));
        let socket = Arc::clone(channel.socket());
        let watcher = Watcher::start(Arc::clone(&socket), primary)?;
        let interrupt = Arc::new(Wakeup::new()?);
        let mut state = State::new(channel, terms, Arc::clone(&interrupt), watcher);
        // If the primary is gone already, the first wait says so, or the watcher.
        state.say(Envelope { peer: terms.map(|_| "rust"), ..Envelope::act("online", 0) });
        Ok(Core { id, terms, socket, state: Mutex::new(state), news: Condvar::new(), interrupt })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in another thread leaves whole messages behind: every change is made under one
        // lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a line may be that the primary does not pass over. Node takes any.
    pub(super) fn most_to_send(&self) -> usize {
        self.terms.map_or(usize::MAX, |terms| terms.line_limit)
    }

    pub(super) fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Waits until `found` finds something, or the deadline has passed (`None`). Meanwhile it reads
    /// what arrives, for everybody.
    pub(super) fn wait_for<T>(
        &self,
        deadline: Option<Instant>,
        mut found: impl FnMut(&mut State) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let mut state = self.lock();
        let mut late = false;
        loop {
            let found = found(&mut state)?;
            // The ACK of a handle goes out before the program has the message: who knows when it
            // waits again. If that fails, the next read says why.
            let _ = state.flush();
            if found.is_some() || late {
                return Ok(found);
            }
            // Also a program that is always late looks once, or it would never hear anything.
            late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            state = if state.reader.sleeps {
                self.wait_for_reader(state, deadline)
            } else {
                self.read_for_everybody(state, deadline)
            };
        }
    }

    fn wait_for_reader<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        deadline: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        state.reader.waiting += 1;
        let mut state = match deadline {
            None => self.news.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                self.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        state.reader.waiting -= 1;
        state
    }

    /// Sleeps without the lock until something arrives or can be written, and reads it.
    fn read_for_everybody<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        deadline: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        let shared = state.listeners.watched();
        let rests = state.listeners.rested_at().into_iter().chain(state.rest.until());
        let until = rests.chain(deadline).min();
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::IN, state.listens_to_primary());
        wanted.set(PollFlags::OUT, state.channel.wants_write());
        state.reader.sleeps = true;
        state.reader.watches_write = wanted.contains(PollFlags::OUT);
        let mut eager = state.reader.eager;
        drop(state);
        let channel_has_news = self.sleep(&mut eager, wanted, &shared, until);
        let mut state = self.lock();
        state.reader.sleeps = false;
        eager.learn(channel_has_news && state.read());
        state.reader.eager = eager;
        if state.reader.waiting > 0 {
            self.news.notify_all(); // a system call, whether somebody waits or not
        }
        state
    }

    /// Whether the channel should be read.
    fn sleep(
        &self,
        eager: &mut Eager,
        wanted: PollFlags,
        shared: &[Arc<OwnedFd>],
        until: Option<Instant>,
    ) -> bool {
        let channel = PollFd::from_borrowed_fd(self.socket.as_fd(), wanted);
        let interrupt = PollFd::from_borrowed_fd(self.interrupt.as_fd(), PollFlags::IN);
        let shared = shared.iter().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
        let mut fds: Vec<_> = [channel, interrupt].into_iter().chain(shared).collect();
        match eager.poll(&mut fds, until.map(crate::time_left).as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return false,
            Err(_) => {
                // No memory, or a limit of open files below the number of sockets here: poll(2).
                // The channel is looked at all the same.
                std::thread::sleep(REST);
                return true;
            }
        }
        if !fds[1].revents().is_empty() {
            self.interrupt.take();
        }
        if fds[2..].iter().any(|fd| !fd.revents().is_empty()) {
            std::thread::yield_now(); // it may be another thread that waits for the connection
        }
        // Also where it is not wanted: the other side may have closed it.
        fds[0].revents().intersects(!PollFlags::OUT)
    }

    /// Writes all that waits, and reads meanwhile.
    pub(super) fn write_the_rest(&self, deadline: Option<Instant>) -> Result<(), Error> {
        self.wait_for(deadline, |state| {
            state.flush()?;
            Ok(state.channel.outbox().is_written().then_some(()))
        })
        .map(drop)
    }

    pub(super) fn notify(&self) {
        self.news.notify_all();
    }
}
