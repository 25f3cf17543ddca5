//! A worker's side: talks to its primary, listens where its siblings listen, and ends with its primary.

mod connections;
mod core;
mod datagrams;
mod listen;
mod listener;
mod listening;
mod state;
mod watcher;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

pub use self::datagrams::Datagrams;
pub use self::listen::Listen;
pub use self::listener::Listener;

use self::core::{Core, Standing};
use crate::channel::{handle_line, line};
use crate::terms::LINE_LIMIT;
use crate::wire::Envelope;
use crate::{Error, Handle, Message, SendError, WorkerId};

/// What happens to a worker.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerEvent {
    /// The primary sent a message; Node's `message`.
    Message(Message),
    /// The primary asks this worker to end its work and leave. Its listeners are closed. What is sent now still arrives;
    /// the channel closes with the next wait for an event.
    Disconnect,
    /// The primary sent what is no message. The channel goes on.
    Error(Error),
    /// The deadline of [`Worker::next_event_before`] passed, and nothing happened.
    Deadline,
}

/// A worker, as it sees itself; Node's `cluster.worker` in the worker. Cheap to clone; clones may go to other threads.
///
/// It has no thread that reads: what arrives waits in the channel until the program asks. One thread watches whether the primary is
/// still there; when it is gone, the worker is ended half a second later, however busy it is.
#[derive(Clone, Debug)]
pub struct Worker {
    core: Arc<Core>,
}

impl Worker {
    pub(crate) fn new(id: WorkerId, socket: OwnedFd) -> Result<Worker, Error> {
        Ok(Worker { core: Arc::new(Core::new(id, socket)?) })
    }

    /// This worker's number; Node's `cluster.worker.id`.
    pub fn id(&self) -> WorkerId {
        self.core.id
    }

    /// Whether the channel to the primary is open; Node's `worker.isConnected()`.
    pub fn is_connected(&self) -> bool {
        self.core.lock().standing != Standing::Left
    }

    /// Whether this worker should end its work: the primary has asked it to leave, or is gone.
    pub fn is_leaving(&self) -> bool {
        self.core.lock().standing != Standing::Connected
    }

    /// Waits for the next event. `None`: the channel is closed, because the primary asked for it or is gone.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses to wait.
    pub fn next_event(&mut self) -> Result<Option<WorkerEvent>, Error> {
        self.next(None)
    }

    /// Waits for the next event, but no longer than until the deadline; then it is [`WorkerEvent::Deadline`].
    ///
    /// # Errors
    /// As [`next_event`](Worker::next_event).
    pub fn next_event_before(&mut self, deadline: Instant) -> Result<Option<WorkerEvent>, Error> {
        self.next(Some(deadline))
    }

    fn next(&mut self, deadline: Option<Instant>) -> Result<Option<WorkerEvent>, Error> {
        let found = self.core.wait_for(deadline, |state| {
            let event = state.inbox.pop_front();
            Ok((event.is_some() || state.standing != Standing::Connected).then_some(event))
        })?;
        match found {
            Some(Some(event)) => Ok(Some(event)),
            None => Ok(Some(WorkerEvent::Deadline)),
            Some(None) => {
                // Asked to leave, and everything is told: the last words go out, then the channel closes.
                // Where the primary is gone they cannot, and it closes, too.
                let _ = self.core.write_the_rest();
                self.core.lock().leave();
                self.core.notify();
                Ok(None)
            }
        }
    }

    /// Waits for the next message; Node's `process.on('message')`. `None`: the channel is closed, because the primary asked for it
    /// or is gone; time to end. Messages that came before anybody asked for them are kept.
    ///
    /// # Errors
    /// As [`next_event`](Worker::next_event); also what the primary sent that is no message.
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

    /// Sends a message to the primary; Node's `process.send(message)`. Waits while the channel is full.
    ///
    /// # Errors
    /// [`Error::PrimaryGone`] when the channel is closed; [`Error::NotJson`] when the message
    /// cannot be said in JSON; [`Error::MessageTooLong`] when it is longer than the primary takes.
    pub fn send<M: Serialize>(&self, message: M) -> Result<(), Error> {
        let bytes = line(&message, LINE_LIMIT)?;
        self.send_line(bytes, None)
    }

    /// Sends a message and a socket; Node's `process.send(message, handle)`. The socket is closed here once the primary has it and this
    /// worker has read that: with the next wait, or in the background.
    ///
    /// # Errors
    /// As [`send`](Worker::send).
    pub fn send_with<M: Serialize>(
        &self,
        message: M,
        handle: impl Into<Handle>,
    ) -> Result<(), Error> {
        let handle = handle.into();
        let bytes = handle_line(&message, &handle, LINE_LIMIT)?;
        let traveller =
            handle.into_traveller().map_err(Error::system("make a socket non-blocking"))?;
        self.send_line(bytes, Some(traveller))
    }

    fn send_line(&self, bytes: Vec<u8>, handle: Option<OwnedFd>) -> Result<(), Error> {
        let mut state = self.core.lock();
        state.check_connected()?;
        state.channel.push(bytes, handle);
        drop(state);
        self.core.write_the_rest()
    }

    /// Sends a message if the channel takes it at once.
    ///
    /// # Errors
    /// [`SendError::Full`] gives the message back; otherwise as [`send`](Worker::send).
    pub fn try_send<M: Serialize>(&self, message: M) -> Result<(), SendError<M>> {
        let bytes = line(&message, LINE_LIMIT)?;
        let mut state = self.core.lock();
        state.flush()?;
        if state.channel.outbox().user_bytes() > 0 {
            state.read()?; // what waits may wait for an ACK that is here already
            self.core.notify();
        }
        match state.channel.outbox().user_bytes() {
            0 => state.channel.push(bytes, None),
            waiting => return Err(SendError::Full(message, waiting)),
        }
        Ok(state.flush()?)
    }

    /// Leaves: closes the listeners, tells the primary that the coming end is voluntary, waits until it knows, and closes the channel;
    /// Node's `cluster.worker.disconnect()`. The process goes on. Leaving again changes nothing.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses to wait.
    pub fn disconnect(&mut self) -> Result<(), Error> {
        let standing = self.core.lock().standing;
        if standing == Standing::Connected {
            let mut state = self.core.lock();
            state.close_listeners();
            let request = state.request(Envelope::act("exitedAfterDisconnect", 0));
            drop(state);
            self.core.wait_for(None, |state| {
                let answered = state.replies.get(&request).is_none_or(Option::is_some);
                Ok((answered || state.standing == Standing::Left).then_some(()))
            })?;
        } else if standing == Standing::Asked {
            let _ = self.core.write_the_rest(); // it fails when nobody is left to read it
        }
        self.core.lock().leave();
        self.core.notify();
        Ok(())
    }

    /// Leaves, and ends this process with code 0; Node's `cluster.worker.kill()` in the worker.
    pub fn kill(mut self) -> ! {
        // Whatever went wrong, the process ends, and the primary sees that.
        let _ = self.disconnect();
        std::process::exit(0)
    }

    /// Starts a thread that reads the channel while the program waits elsewhere: in a library's own accept loop, in a runtime. Then
    /// [`is_leaving`](Worker::is_leaving) becomes true by itself, and messages are kept for [`recv`](Worker::recv).
    ///
    /// # Errors
    /// [`Error::System`] when no thread can be started.
    pub fn run_in_background(&self) -> Result<(), Error> {
        let core = Arc::clone(&self.core);
        let read = move || {
            let left =
                |state: &mut core::State| Ok((state.standing == Standing::Left).then_some(()));
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
