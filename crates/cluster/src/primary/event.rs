//! What happens to a primary.

use std::time::Instant;

use crate::{Address, Error, Exit, Message, Settings, Signal, WorkerId};

/// What happened; Node's events of `cluster`, as one enum.
///
/// In this order for every worker: `Fork`, `Online`, then `Listening`, `ListenFailed` and `Message`
/// in the order in which the worker sent them, `Disconnect`, `Exit`. No message comes after
/// `Disconnect`; `Output` may come until `Exit`. What several workers do interleaves freely.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The settings for later forks; Node's `setup`. Each fork tells it first, as in Node.
    Setup(Box<Settings>),
    /// The worker's process was started; Node's `fork`.
    Fork(WorkerId),
    /// A worker that was due could not be started. It stays due, with the same number, and is tried
    /// again, ever more slowly up to every three seconds;
    /// [`Primary::cancel`](crate::Primary::cancel) gives it up.
    ForkFailed {
        /// The worker that would have been, and may still come.
        worker: WorkerId,
        /// Why; [`Error::Spawn`].
        error: Error,
        /// When it is tried again.
        retry_at: Instant,
    },
    /// The worker runs and has its role; Node's `online`. It says nothing about being ready to
    /// serve.
    Online(WorkerId),
    /// The worker listens; Node's `listening`. With port 0 the port is the one that the system
    /// chose.
    Listening(WorkerId, Address),
    /// The worker asked to listen and cannot. It may try elsewhere; most programs end.
    ListenFailed {
        /// Who.
        worker: WorkerId,
        /// Where and why; [`Error::Listen`] or [`Error::Blocking`].
        error: Error,
    },
    /// The worker waits for a connection, after
    /// [`Primary::tell_when_idle`](crate::Primary::tell_when_idle) asked for this.
    Idle(WorkerId),
    /// The worker sent a message; Node's `message`.
    Message(WorkerId, Message),
    /// The worker wrote a line to its stdout or stderr, and [`Stdio::Lines`](crate::Stdio::Lines)
    /// is set.
    Output(WorkerId, String),
    /// There is room for messages again, after one was refused as [`Full`](crate::SendError::Full):
    /// the worker has read them and, if it is a Rust program, taken them. Node's `drain` of a
    /// stream.
    Drain(WorkerId),
    /// The channel to the worker is closed; Node's `disconnect`. Always told, and always before
    /// `Exit`.
    Disconnect(WorkerId),
    /// The worker's process has ended and was reaped; Node's `exit`.
    Exit {
        /// Who ended.
        worker: WorkerId,
        /// How.
        exit: Exit,
        /// Whether it was asked to, or had announced it; Node's `exitedAfterDisconnect`.
        voluntary: bool,
    },
    /// The worker sent what is no message, or could not be told what it was sent. The worker goes
    /// on.
    Error(WorkerId, Error),
    /// This process got a signal that it had asked for with
    /// [`Primary::signals`](crate::Primary::signals).
    Signal(Signal),
    /// Somebody called [`Waker::wake`](crate::Waker::wake).
    Woken,
    /// The deadline of [`Primary::next_event_before`](crate::Primary::next_event_before) passed,
    /// and nothing happened.
    Deadline,
    /// The shutdown is over: no worker is left. The last event of all.
    Stopped(Report),
}

/// How each worker ended in a shutdown.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// Ended when asked, with code 0.
    pub by_itself: Vec<WorkerId>,
    /// Did not end within the grace, and was sent SIGTERM.
    pub by_sigterm: Vec<WorkerId>,
    /// Did not end after that either, and was sent SIGKILL.
    pub by_sigkill: Vec<WorkerId>,
    /// How many clients had come when the stop began and were served by nobody: no worker was left
    /// for them, or the grace was over. They were cut off.
    pub cut_off: usize,
    /// Died of something else while the service stopped: a panic, a signal from outside, too little
    /// memory; and how.
    pub died: Vec<(WorkerId, Exit)>,
}

impl Report {
    /// Whether every worker ended when asked, and no client was cut off.
    pub fn is_clean(&self) -> bool {
        let all_left = [&self.by_sigterm, &self.by_sigkill].iter().all(|list| list.is_empty());
        all_left && self.died.is_empty() && self.cut_off == 0
    }
}
