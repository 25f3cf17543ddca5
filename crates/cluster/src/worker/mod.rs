//! A worker's side: talks to its primary, and ends with it.

mod watcher;

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use serde::Serialize;

use self::watcher::Watcher;
use crate::channel::{Channel, Filled, Wait, line};
use crate::primary::handle_line;
use crate::wire::{Envelope, Incoming, Received};
use crate::{Error, Handle, Message, SendError, WorkerId, sys};

/// What happens to a worker.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerEvent {
    /// The primary sent a message; Node's `message`.
    Message(Message),
    /// The primary asks this worker to end its work and leave. What is sent now still arrives; the channel closes with the next wait
    /// for an event.
    Disconnect,
    /// The primary sent what is no message. The channel goes on.
    Error(Error),
    /// The deadline of [`Worker::next_event_before`] passed, and nothing happened.
    Deadline,
}

/// A worker, as it sees itself; Node's `cluster.worker` in the worker.
///
/// It has no thread that reads: what arrives waits in the channel until the program asks. One thread watches whether the primary is
/// still there; when it is gone, the worker is ended half a second later, however busy it is.
#[derive(Debug)]
pub struct Worker {
    id: WorkerId,
    channel: Channel,
    seq: u64,
    inbox: VecDeque<WorkerEvent>,
    /// The number of our announcement, until the primary has answered it.
    announced: Option<u64>,
    standing: Standing,
    watcher: Watcher,
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
    /// Messages go both ways.
    Connected,
    /// The primary asked us to leave, and the program may not know yet.
    Asked,
    /// The channel is closed.
    Left,
}

impl Worker {
    pub(crate) fn new(id: WorkerId, socket: OwnedFd) -> Result<Worker, Error> {
        sys::leave_interrupt_to_primary()
            .map_err(|errno| Error::System { what: "handle SIGINT", source: errno.into() })?;
        let channel = Channel::new(socket);
        let watcher = Watcher::start(channel.socket().clone())?;
        let mut worker = Worker {
            id,
            channel,
            seq: 0,
            inbox: VecDeque::new(),
            announced: None,
            standing: Standing::Connected,
            watcher,
        };
        let online = Envelope::act("online", worker.next_seq());
        worker.channel.push_internal(&online);
        // If the primary is gone already, the first wait says so, or the watcher.
        let _ = worker.channel.flush();
        Ok(worker)
    }

    /// This worker's number; Node's `cluster.worker.id`.
    pub fn id(&self) -> WorkerId {
        self.id
    }

    /// Whether the channel to the primary is open; Node's `worker.isConnected()`.
    pub fn is_connected(&self) -> bool {
        self.standing != Standing::Left
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
    /// [`Error::PrimaryGone`] when the channel is closed; [`Error::NotJson`] when the message cannot be said in JSON.
    pub fn send<M: Serialize>(&mut self, message: M) -> Result<(), Error> {
        let bytes = line(&message).map_err(Error::NotJson)?;
        self.send_line(bytes, None)
    }

    /// Sends a message and a socket; Node's `process.send(message, handle)`. The socket is closed here once the primary has it.
    ///
    /// # Errors
    /// As [`send`](Worker::send).
    pub fn send_with<M: Serialize>(
        &mut self,
        message: M,
        handle: impl Into<Handle>,
    ) -> Result<(), Error> {
        let handle = handle.into();
        let bytes = handle_line(&message, &handle)?;
        let traveller =
            handle.into_traveller().map_err(Error::system("make a socket non-blocking"))?;
        self.send_line(bytes, Some(traveller))
    }

    /// Sends a message if the channel takes it at once.
    ///
    /// # Errors
    /// [`SendError::Full`] gives the message back; otherwise as [`send`](Worker::send).
    pub fn try_send<M: Serialize>(&mut self, message: M) -> Result<(), SendError<M>> {
        let bytes = line(&message).map_err(Error::NotJson)?;
        self.flush()?;
        if self.channel.outbox().user_bytes() > 0 {
            self.read(Wait::No)?; // what waits may wait for an ACK that is here already
        }
        match self.channel.outbox().user_bytes() {
            0 => self.channel.push(bytes, None),
            waiting => return Err(SendError::Full(message, waiting)),
        }
        Ok(self.flush()?)
    }

    /// Leaves: tells the primary that the coming end is voluntary, waits until it knows, and closes the channel; Node's
    /// `cluster.worker.disconnect()`. The process goes on. Leaving again changes nothing.
    ///
    /// # Errors
    /// [`Error::System`] when the system refuses to wait.
    pub fn disconnect(&mut self) -> Result<(), Error> {
        if self.standing == Standing::Connected {
            let seq = self.next_seq();
            self.announced = Some(seq);
            self.channel.push_internal(&Envelope::act("exitedAfterDisconnect", seq));
            while self.announced.is_some() && self.is_connected() {
                self.write_and_wait(None)?;
            }
        } else if self.standing == Standing::Asked {
            let _ = self.write_the_rest(); // it fails when nobody is left to read it
        }
        self.leave();
        Ok(())
    }

    /// Leaves, and ends this process with code 0; Node's `cluster.worker.kill()` in the worker.
    pub fn kill(mut self) -> ! {
        // Whatever went wrong, the process ends, and the primary sees that.
        let _ = self.disconnect();
        std::process::exit(0)
    }

    fn next(&mut self, deadline: Option<Instant>) -> Result<Option<WorkerEvent>, Error> {
        loop {
            if let Some(event) = self.inbox.pop_front() {
                return Ok(Some(event));
            }
            if self.standing == Standing::Asked {
                match self.write_the_rest() {
                    Ok(()) | Err(Error::PrimaryGone) => self.leave(),
                    Err(error) => return Err(error),
                }
            }
            if self.standing == Standing::Left {
                return Ok(None);
            }
            // Also then it looks once, or a program that is always late would never hear anything.
            let late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            self.write_and_wait(deadline)?;
            if late && self.inbox.is_empty() && self.is_connected() {
                return Ok(Some(WorkerEvent::Deadline));
            }
        }
    }

    /// Writes what can be written, sleeps until something arrives or can be written again, and reads it.
    fn write_and_wait(&mut self, deadline: Option<Instant>) -> Result<(), Error> {
        if self.flush().is_err() {
            return self.read(Wait::No); // perhaps the primary's last words are there
        }
        let wants_write = self.channel.outbox().wants_write();
        if deadline.is_none() && !wants_write {
            return self.read(Wait::ForData);
        }
        let mut wanted = PollFlags::IN;
        wanted.set(PollFlags::OUT, wants_write);
        self.poll(wanted, deadline)?;
        self.read(Wait::No)
    }

    fn poll(&self, wanted: PollFlags, deadline: Option<Instant>) -> Result<(), Error> {
        let timeout = deadline.map(crate::time_left);
        let mut fds = [PollFd::from_borrowed_fd(self.channel.socket().as_fd(), wanted)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(Error::system("wait for events")(errno)),
        }
    }

    fn read(&mut self, wait: Wait) -> Result<(), Error> {
        let filled = self.channel.fill(wait).map_err(Error::system("read from the channel"))?;
        while let Some(incoming) = self.channel.next() {
            self.hear(incoming);
        }
        // The ACK of a handle goes out before the program has the message: who knows when it waits again. Until then the
        // primary would keep its copy of the socket open. If it fails, the next wait says so.
        let _ = self.channel.flush();
        match filled {
            // Not our doing: the watcher goes on, and ends us if the program does not.
            Filled::Closed => self.standing = Standing::Left,
            Filled::Nothing if wait == Wait::ForData => self.poll(PollFlags::IN, None)?,
            Filled::Nothing | Filled::Data => {}
        }
        Ok(())
    }

    fn hear(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::User(value) => {
                self.inbox.push_back(WorkerEvent::Message(Message::from(value)));
            }
            Incoming::UserWithHandle(value, fd) => {
                let (message, error) = Message::with_descriptor(value, fd);
                self.inbox.extend(error.map(WorkerEvent::Error));
                self.inbox.push_back(WorkerEvent::Message(message));
            }
            Incoming::Cluster(received) => self.obey(&received),
            Incoming::Nack => {
                if !self.channel.resend_handle() {
                    self.inbox.push_back(WorkerEvent::Error(Error::Undelivered(1)));
                }
            }
            Incoming::Bad(bad) => self.inbox.push_back(WorkerEvent::Error(bad.into())),
            _ => {}
        }
    }

    /// What the primary says to the cluster layer.
    fn obey(&mut self, received: &Received) {
        if received.act() == Some("disconnect") && self.standing == Standing::Connected {
            self.standing = Standing::Asked;
            self.inbox.push_back(WorkerEvent::Disconnect);
        }
        if received.ack().is_some() && received.ack() == self.announced {
            self.announced = None;
        }
    }

    fn send_line(&mut self, bytes: Vec<u8>, handle: Option<OwnedFd>) -> Result<(), Error> {
        self.check_connected()?;
        self.channel.push(bytes, handle);
        self.write_the_rest()?;
        self.check_connected()
    }

    /// Writes until all is in the socket. It reads only where a handle waits for its ACK, or while it would have to wait anyway.
    fn write_the_rest(&mut self) -> Result<(), Error> {
        loop {
            self.flush()?;
            if self.channel.outbox().is_written() || !self.is_connected() {
                return Ok(());
            }
            self.write_and_wait(None)?;
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.check_connected()?;
        self.channel.flush().map_err(|_| Error::PrimaryGone)
    }

    fn check_connected(&self) -> Result<(), Error> {
        if self.is_connected() { Ok(()) } else { Err(Error::PrimaryGone) }
    }

    /// Closes the channel.
    fn leave(&mut self) {
        if self.standing != Standing::Left {
            self.standing = Standing::Left;
            self.watcher.leave();
            self.channel.close();
        }
    }

    fn next_seq(&mut self) -> u64 {
        let seq = self.seq;
        self.seq += 1;
        seq
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.leave();
    }
}
