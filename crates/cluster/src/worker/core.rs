//! What a worker's handles share: its state under a lock, and the one thread at a time that waits for more.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::event::WorkerEvent;
use super::origin::Origin;
use super::state::{Standing, State};
use super::watcher::Watcher;
use crate::channel::Channel;
use crate::eager::Eager;
use crate::wakeup::Wakeup;
use crate::wire::Envelope;
use crate::{Error, WorkerId};

#[derive(Debug)]
pub(super) struct Core {
    pub id: WorkerId,
    /// The channel's socket, to be waited for without holding the lock.
    socket: Arc<OwnedFd>,
    state: Mutex<State>,
    /// Told whenever the thread that waits has read something.
    news: Condvar,
    /// Readable when the thread that waits has to look again at what it waits for.
    interrupt: Arc<Wakeup>,
}

impl Core {
    pub(super) fn new(id: WorkerId, socket: OwnedFd) -> Result<Core, Error> {
        let primary = Origin::follow(&socket)?.open()?;
        let channel = Channel::new(socket);
        let socket = Arc::clone(channel.socket());
        let watcher = Watcher::start(Arc::clone(&socket), primary)?;
        let interrupt = Arc::new(Wakeup::new()?);
        let mut state = State::new(channel, Arc::clone(&interrupt), watcher);
        state.note(Envelope::act("online", 0));
        // If the primary is gone already, the first wait says so, or the watcher.
        let _ = state.channel.flush();
        Ok(Core { id, socket, state: Mutex::new(state), news: Condvar::new(), interrupt })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in another thread leaves whole messages behind: every change is made under one lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `found` finds something, or the deadline has passed (`None`). Meanwhile it reads what arrives, for everybody.
    pub(super) fn wait_for<T>(
        &self,
        deadline: Option<Instant>,
        mut found: impl FnMut(&mut State) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let mut state = self.lock();
        let mut late = false;
        loop {
            let found = found(&mut state)?;
            // The ACK of a handle goes out before the program has the message: who knows when it waits again. If that fails,
            // the next read says why.
            let _ = state.flush();
            if found.is_some() || late {
                return Ok(found);
            }
            // Also a program that is always late looks once, or it would never hear anything.
            late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            state = if state.reader.somebody_reads {
                self.wait_for_reader(state, deadline)
            } else {
                self.read_for_everybody(state, deadline)?
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
    ) -> Result<MutexGuard<'a, State>, Error> {
        let shared = state.listeners.watched();
        let wants_write = state.channel.wants_write();
        state.reader.somebody_reads = true;
        let mut eager = state.reader.eager;
        drop(state);
        let slept = self.sleep(&mut eager, wants_write, &shared, deadline);
        let mut state = self.lock();
        state.reader.somebody_reads = false;
        let read = state.read();
        let message = matches!(state.inbox.back(), Some(WorkerEvent::Message(_)));
        eager.learn(message);
        state.reader.eager = eager;
        if state.reader.waiting > 0 {
            self.news.notify_all(); // a system call, whether somebody waits or not
        }
        slept.and(read).map(|()| state)
    }

    fn sleep(
        &self,
        eager: &mut Eager,
        wants_write: bool,
        shared: &[Arc<OwnedFd>],
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        let mut wanted = PollFlags::IN;
        wanted.set(PollFlags::OUT, wants_write);
        let channel = PollFd::from_borrowed_fd(self.socket.as_fd(), wanted);
        let interrupt = PollFd::from_borrowed_fd(self.interrupt.as_fd(), PollFlags::IN);
        let shared = shared.iter().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
        let mut fds: Vec<_> = [channel, interrupt].into_iter().chain(shared).collect();
        wait(eager, &mut fds, deadline)?;
        if !fds[1].revents().is_empty() {
            self.interrupt.take();
        }
        if fds[2..].iter().any(|fd| !fd.revents().is_empty()) {
            std::thread::yield_now(); // it may be another thread that waits for the connection
        }
        Ok(())
    }

    /// Writes all that waits, without reading where that is not needed.
    pub(super) fn write_the_rest(&self) -> Result<(), Error> {
        loop {
            let mut state = self.lock();
            state.flush()?;
            if state.channel.outbox().is_written() {
                return Ok(());
            }
            let (writable, mut eager) = (state.channel.wants_write(), state.reader.eager);
            drop(state);
            if writable {
                let channel = PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::OUT);
                wait(&mut eager, &mut [channel], None)?;
            } else {
                // A handle has to be acknowledged first: that must be read.
                self.wait_for(None, |state| {
                    let goes_on =
                        state.channel.wants_write() || state.channel.outbox().is_written();
                    Ok((goes_on || state.standing == Standing::Left).then_some(()))
                })?;
            }
        }
    }

    pub(super) fn notify(&self) {
        self.news.notify_all();
    }
}

fn wait(eager: &mut Eager, fds: &mut [PollFd<'_>], deadline: Option<Instant>) -> Result<(), Error> {
    match eager.poll(fds, deadline.map(crate::time_left).as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(Error::system("wait for events")(errno)),
    }
}
