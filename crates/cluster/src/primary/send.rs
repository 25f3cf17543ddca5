//! Sending to workers, without ever waiting for one.

use serde::Serialize;

use super::Primary;
use crate::channel::{handle_line, line};
use crate::terms::LINE_LIMIT;
use crate::{Error, Handle, SendError, WorkerId};

/// What became of a message that was taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sent {
    /// It is in the worker's socket.
    Sent,
    /// It waits in the primary; it goes out while [`next_event`](Primary::next_event) waits.
    Queued,
}

impl Primary {
    /// Sends a message to a worker; Node's `worker.send(message)`. Never waits.
    ///
    /// # Errors
    /// [`SendError::Full`] gives the message back: the worker does not read, or its program does
    /// not take what it read, and what waits for it has reached
    /// [`Settings::queue_limit`](crate::Settings::queue_limit);
    /// [`Event::Drain`](crate::Event::Drain) says when there is room. [`SendError::Failed`]: no
    /// such worker, its channel is closed or about to be, or the message cannot be said in JSON or
    /// is longer than the worker takes ([`Error::MessageTooLong`]).
    pub fn send<M: Serialize>(
        &mut self,
        worker: WorkerId,
        message: M,
    ) -> Result<Sent, SendError<M>> {
        let mut bytes = line(&message, self.line_limit(worker))?;
        self.send_line(worker, &mut bytes, &mut None).map_err(|refusal| refusal.into_error(message))
    }

    /// Sends a message and a socket; Node's `worker.send(message, handle)`. The socket is closed
    /// here once the worker has it.
    ///
    /// # Errors
    /// As [`send`](Primary::send), with the socket given back too.
    pub fn send_with<M: Serialize>(
        &mut self,
        worker: WorkerId,
        message: M,
        handle: impl Into<Handle>,
    ) -> Result<Sent, SendError<(M, Handle)>> {
        let handle = handle.into();
        let mut bytes = handle_line(&message, &handle, self.line_limit(worker))?;
        let mut handle = Some(handle);
        self.send_line(worker, &mut bytes, &mut handle).map_err(|refusal| match handle {
            Some(handle) => refusal.into_error((message, handle)),
            None => SendError::Failed(Error::Closed(worker)),
        })
    }

    /// Sends a message to every worker that is connected; says who could not be sent it, and why.
    ///
    /// # Errors
    /// [`Error::NotJson`] when the message cannot be said in JSON, [`Error::MessageTooLong`] when
    /// it is longer than any of them takes; then nobody got it.
    pub fn broadcast<M: Serialize>(&mut self, message: M) -> Result<Vec<(WorkerId, Error)>, Error> {
        let connected: Vec<_> = self.workers().filter(|&id| self.takes_messages(id)).collect();
        let limits = connected.iter().map(|&worker| self.line_limit(worker));
        let bytes = line(&message, limits.max().unwrap_or(LINE_LIMIT))?;
        let mut missed = Vec::new();
        for worker in connected {
            let (length, limit) = (bytes.len() - 1, self.line_limit(worker));
            if length > limit {
                missed.push((worker, Error::MessageTooLong { bytes: length, limit }));
                continue;
            }
            if let Err(refusal) = self.send_line(worker, &mut bytes.clone(), &mut None) {
                missed.push((worker, refusal.into_error(()).into()));
            }
        }
        Ok(missed)
    }

    /// The longest line that a worker takes.
    fn line_limit(&self, worker: WorkerId) -> usize {
        self.workers.get(&worker).map_or(LINE_LIMIT, |child| child.line_limit)
    }

    fn takes_messages(&self, worker: WorkerId) -> bool {
        let child = self.workers.get(&worker);
        child.is_some_and(|child| child.channel.is_some() && !child.disconnecting)
    }

    /// Takes the bytes and the handle only if it can keep them.
    fn send_line(
        &mut self,
        worker: WorkerId,
        bytes: &mut Vec<u8>,
        handle: &mut Option<Handle>,
    ) -> Result<Sent, Refusal> {
        let child = self.workers.get_mut(&worker).ok_or(Error::NoSuchWorker(worker))?;
        let full = child.is_full_for(bytes.len()).then(|| child.waiting());
        let channel = match &mut child.channel {
            Some(channel) if !child.disconnecting => channel,
            _ => return Err(Error::Closed(worker).into()),
        };
        if let Some(waiting) = full {
            child.told_full = true;
            return Err(Refusal::Full(waiting));
        }
        let traveller = handle.take().map(Handle::into_traveller).transpose();
        let traveller = traveller.map_err(Error::system("make a socket non-blocking"))?;
        child.sent += bytes.len() as u64;
        channel.push(std::mem::take(bytes), traveller);
        // If the worker is gone the read side finds out and tells it; what was queued is then
        // counted as undelivered.
        let _ = channel.flush();
        Ok(if channel.outbox().is_written() { Sent::Sent } else { Sent::Queued })
    }
}

/// Why a line was not taken.
enum Refusal {
    Full(usize),
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Failed(error)
    }
}

impl Refusal {
    fn into_error<M>(self, message: M) -> SendError<M> {
        match self {
            Refusal::Full(waiting) => SendError::Full(message, waiting),
            Refusal::Failed(error) => SendError::Failed(error),
        }
    }
}
