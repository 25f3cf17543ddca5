//! A worker's side: talks to its primary, listens where its siblings listen, and ends with its
//! primary.

mod asking;
mod core;
mod datagrams;
mod event;
mod hearing;
mod inbox;
mod listen;
mod listener;
mod listeners;
mod listening;
mod origin;
mod replies;
mod serving;
mod shared;
mod state;
mod waiting;
mod watcher;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

pub use self::datagrams::Datagrams;
pub use self::event::WorkerEvent;
pub use self::listen::Listen;
pub use self::listener::Listener;

use self::core::Core;
use self::state::{Standing, State};
use crate::channel::{handle_line, line};
use crate::terms::Terms;
use crate::wire::Envelope;
use crate::{Error, Handle, Message, SchedulingPolicy, SendError, WorkerId};

/// How long [`Worker::kill`] waits for the primary.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A worker, as it sees itself; Node's `cluster.worker` in the worker. Cheap to clone; clones may
/// go to other threads.
///
/// It has no thread that reads: what arrives waits in the channel until the program asks. One
/// thread watches whether the primary is still there; when it is gone, the worker is ended half a
/// second later, however busy it is.
#[derive(Clone, Debug)]
pub struct Worker {
    core: Arc<Core>,
}

impl Worker {
    pub(crate) fn new(
        id: WorkerId,
        socket: OwnedFd,
        terms: Option<Terms>,
    ) -> Result<Worker, Error> {
        Ok(Worker { core: Arc::new(Core::new(id, socket, terms)?) })
    }

    /// This worker's number; Node's `cluster.worker.id`.
    pub fn id(&self) -> WorkerId {
        self.core.id
    }

    /// Who chooses the worker for a connection; Node's `cluster.schedulingPolicy`, which a Node
    /// worker cannot ask. `None`: the primary is not ours, and has not said; then a listener's own
    /// [`scheduling_policy`](Listener::scheduling_policy) knows.
    pub fn scheduling_policy(&self) -> Option<SchedulingPolicy> {
        self.core.terms.map(|terms| terms.policy)
    }

    /// Whether the channel to the primary is open; Node's `worker.isConnected()`.
    pub fn is_connected(&self) -> bool {
        self.core.lock().standing != Standing::Left
    }

    /// Whether this worker should end its work: the primary has asked it to leave, will do so soon,
    /// or is gone. In a shutdown this is true first, while connections that have arrived still
    /// come; then [`WorkerEvent::Disconnect`], after which none do.
    pub fn is_leaving(&self) -> bool {
        self.core.lock().standing != Standing::Connected
    }

    /// Waits for the next event. `None`: the channel is closed, because the primary asked for it or
    /// is gone.
    ///
    /// # Errors
    /// None at present: where the system refuses to wait, this looks again every 50 ms.
    pub fn next_event(&mut self) -> Result<Option<WorkerEvent>, Error> {
        self.next(None)
    }

    /// Waits for the next event, but no longer than until the deadline; then it is
    /// [`WorkerEvent::Deadline`].
    ///
    /// # Errors
    /// As [`next_event`](Worker::next_event).
    pub fn next_event_before(&mut self, deadline: Instant) -> Result<Option<WorkerEvent>, Error> {
        self.next(Some(deadline))
    }

    fn next(&mut self, deadline: Option<Instant>) -> Result<Option<WorkerEvent>, Error> {
        let found = self.core.wait_for(deadline, |state| {
            let event = state.take_event();
            Ok((event.is_some() || !state.standing.serves()).then_some(event))
        })?;
        match found {
            Some(Some(event)) => Ok(Some(event)),
            None => Ok(Some(WorkerEvent::Deadline)),
            Some(None) => {
                // Asked to leave, and everything is told: the last words go out, then the channel
                // closes. Where the primary is gone they cannot, and it closes, too.
                let _ = self.core.write_the_rest(None);
                self.core.lock().leave();
                self.core.notify();
                Ok(None)
            }
        }
    }

    /// Waits for the next message; Node's `process.on('message')`. `None`: the channel is closed,
    /// because the primary asked for it or is gone; time to end. Messages that came before anybody
    /// asked for them are kept.
    ///
    /// # Errors
    /// What the primary sent that is no message, and [`Error::Dropped`]. The next call goes on
    /// behind it.
    pub fn recv(&mut self) -> Result<Option<Message>, Error> {
        loop {
            match self.next_event()? {
                Some(WorkerEvent::Message(message)) => return Ok(Some(message)),
                Some(WorkerEvent::Error(error)) => return Err(error),
                Some(WorkerEvent::Disconnect | WorkerEvent::Deadline) => {}
                None => return Ok(None),
            }
        }
    }

    /// Sends a message to the primary; Node's `process.send(message)`. Waits while the channel is
    /// full.
    ///
    /// # Errors
    /// [`Error::PrimaryGone`] when the channel is closed; [`Error::NotJson`] when the message
    /// cannot be said in JSON; [`Error::MessageTooLong`] when it is longer than the primary takes.
    pub fn send<M: Serialize>(&self, message: M) -> Result<(), Error> {
        let bytes = line(&message, self.core.most_to_send())?;
        self.send_line(bytes, None)
    }

    /// Sends a message and a socket; Node's `process.send(message, handle)`. The socket is closed
    /// here once the primary has it and this worker has read that: with the next wait, or in the
    /// background.
    ///
    /// # Errors
    /// As [`send`](Worker::send).
    pub fn send_with<M: Serialize>(
        &self,
        message: M,
        handle: impl Into<Handle>,
    ) -> Result<(), Error> {
        let handle = handle.into();
        let bytes = handle_line(&message, &handle, self.core.most_to_send())?;
        let traveller =
            handle.into_traveller().map_err(Error::system("make a socket non-blocking"))?;
        self.send_line(bytes, Some(traveller))
    }

    fn send_line(&self, bytes: Vec<u8>, handle: Option<OwnedFd>) -> Result<(), Error> {
        let mut state = self.core.lock();
        state.check_connected()?;
        state.channel.push(bytes, handle);
        drop(state);
        self.core.write_the_rest(None)
    }

    /// Sends a message if the channel takes it at once.
    ///
    /// # Errors
    /// [`SendError::Full`] gives the message back; otherwise as [`send`](Worker::send).
    pub fn try_send<M: Serialize>(&self, message: M) -> Result<(), SendError<M>> {
        let bytes = line(&message, self.core.most_to_send())?;
        let mut state = self.core.lock();
        state.flush()?;
        if state.channel.outbox().user_bytes() > 0 && state.listens_to_primary() {
            state.read(); // what waits may wait for an ACK that is here already
            self.core.notify();
        }
        match state.channel.outbox().user_bytes() {
            0 => state.channel.push(bytes, None),
            waiting => return Err(SendError::Full(message, waiting)),
        }
        Ok(state.flush()?)
    }

    /// Leaves: closes the listeners, tells the primary that the coming end is voluntary, waits
    /// until it knows, and closes the channel; Node's `cluster.worker.disconnect()`. The process
    /// goes on. Leaving again changes nothing.
    ///
    /// # Errors
    /// None at present.
    pub fn disconnect(&mut self) -> Result<(), Error> {
        self.leave(None)
    }

    /// Leaves, and ends this process with code 0; Node's `cluster.worker.kill()` in the worker. A
    /// primary that does not answer within five seconds is not waited for.
    pub fn kill(mut self) -> ! {
        // Whatever went wrong, the process ends, and the primary sees that.
        let _ = self.leave(Some(Instant::now() + LAST_WORDS));
        std::process::exit(0)
    }

    fn leave(&mut self, deadline: Option<Instant>) -> Result<(), Error> {
        let mut state = self.core.lock();
        match state.standing {
            Standing::Connected | Standing::Draining => {
                state.close_listeners();
                let request = state.request(Envelope::act("exitedAfterDisconnect", 0), None);
                drop(state);
                self.core.wait_for(deadline, |state| {
                    let answered = state.replies.take(request).is_some();
                    Ok((answered || state.standing == Standing::Left).then_some(()))
                })?;
            }
            Standing::Asked => {
                drop(state);
                // It fails when nobody is left to read it.
                let _ = self.core.write_the_rest(deadline);
            }
            Standing::Left => drop(state),
        }
        self.core.lock().leave();
        self.core.notify();
        Ok(())
    }

    /// Starts a thread that reads the channel while the program waits elsewhere: in a library's own
    /// accept loop, in a runtime. Then [`is_leaving`](Worker::is_leaving) becomes true by itself,
    /// and messages are kept for [`recv`](Worker::recv).
    ///
    /// # Errors
    /// [`Error::System`] when no thread can be started.
    pub fn run_in_background(&self) -> Result<(), Error> {
        let core = Arc::clone(&self.core);
        let read = move || {
            let left = |state: &mut State| Ok((state.standing == Standing::Left).then_some(()));
            // Nobody can be told of an error here; whoever waits next meets it, too.
            let _ = core.wait_for(None, left);
        };
        std::thread::Builder::new()
            .name("channel".into())
            .spawn(read)
            .map(drop)
            .map_err(|source| Error::System { what: "start a thread", source })
    }
}
