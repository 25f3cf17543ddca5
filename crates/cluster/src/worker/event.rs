//! What happens to a worker.

use crate::{Error, Message};

/// What happens to a worker.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerEvent {
    /// The primary sent a message; Node's `message`.
    Message(Message),
    /// The primary asks this worker to end its work and leave. Its listeners are closed. What is
    /// sent now still arrives; the channel closes with the next wait for an event.
    Disconnect,
    /// The primary sent what is no message. The channel goes on.
    Error(Error),
    /// The deadline of [`Worker::next_event_before`](crate::Worker::next_event_before) passed, and
    /// nothing happened.
    Deadline,
}
