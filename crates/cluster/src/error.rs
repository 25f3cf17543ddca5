//! What can go wrong, in words for a person: what happened, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::WorkerId;

/// What can go wrong.
///
/// `{}` shows what happened in one line; `{:#}` adds a second line that says what to do about it.
/// `{:?}` shows both lines, too, so that a `main` that returns this error says what to do.
#[non_exhaustive]
pub enum Error {
    /// [`role`](crate::role) was called a second time.
    RoleTaken,
    /// [`role`](crate::role) was called while other threads ran; the number of all threads.
    ThreadsRunning(usize),
    /// The environment says that this process is a worker, but there is no channel to a primary;
    /// why.
    NoChannel(String),
    /// The primary speaks Node's `advanced` serialization, not JSON.
    AdvancedSerialization,
    /// A worker's program could not be started.
    Spawn {
        /// The worker that would have been.
        worker: WorkerId,
        /// The program.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No such worker: it never was, or it is gone.
    NoSuchWorker(WorkerId),
    /// The channel to this worker is closed, or was asked to close.
    Closed(WorkerId),
    /// The channel to the primary is closed.
    PrimaryGone,
    /// The primary asked this worker to leave, so it cannot listen any more.
    Leaving,
    /// The channel is full: the other side does not read; bytes that wait.
    Full(usize),
    /// A message that JSON cannot say.
    NotJson(serde_json::Error),
    /// A message that the other side would pass over: its line is too long. Nothing was sent.
    MessageTooLong {
        /// How long its line would be, in bytes, without the newline.
        bytes: usize,
        /// How long a line may be.
        limit: usize,
    },
    /// A message that came in is not of the expected shape.
    UnexpectedMessage(serde_json::Error),
    /// A peer sent a line that is not JSON: the parser's reason, and the start of the line.
    BadLine {
        /// The parser's reason.
        reason: String,
        /// The first characters of the line.
        start: String,
    },
    /// A peer sent a line longer than this many bytes. It was passed over.
    LineTooLong(usize),
    /// A peer sent a descriptor that is not a socket, or that belongs to no message. It was closed.
    UnexpectedDescriptor,
    /// A worker went away with this many messages not delivered to it.
    Undelivered(usize),
    /// This worker did not take its messages, and this many that came after 16 MiB of them were
    /// dropped. A primary of ours stops sending before that; Node's does not.
    Dropped(usize),
    /// A worker cannot listen there.
    Listen {
        /// Where.
        address: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A worker wants a shared listener in another mode than the worker that came first; where, and
    /// whether it blocks.
    Blocking {
        /// Where.
        address: String,
        /// Whether it is in blocking mode.
        blocks: bool,
    },
    /// The primary distributes the connections, so there is no socket to take; where.
    NotShared(String),
    /// The scheduling policy cannot change now: there are workers, or a listener that one of them
    /// left.
    PolicyFrozen,
    /// The shutdown has begun; no worker is started any more.
    ShuttingDown,
    /// The system refused something that never fails on a healthy machine.
    System {
        /// What was tried.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

impl Error {
    /// What to do about it, in one line.
    pub fn advice(&self) -> String {
        match self {
            Error::RoleTaken => "Call cluster::role() once, at the start of main.".into(),
            Error::ThreadsRunning(_) => {
                "Call cluster::role() first in main, before anything that starts a thread.".into()
            }
            Error::NoChannel(_) => {
                "Start workers through a primary, or unset NODE_UNIQUE_ID to start as a primary."
                    .into()
            }
            Error::AdvancedSerialization => {
                "In the Node primary, leave out `serialization: 'advanced'`.".into()
            }
            Error::Spawn { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => "Check Settings::exec and Settings::cwd.".into(),
                io::ErrorKind::PermissionDenied => {
                    "Make the file executable, or check who may become uid and gid.".into()
                }
                _ => "Check the limits of this user: processes (ulimit -u), files (ulimit -n)."
                    .into(),
            },
            Error::NoSuchWorker(_) => "Ask workers() who is there.".into(),
            Error::Closed(_) | Error::PrimaryGone => {
                "Send only until the disconnect is told.".into()
            }
            Error::Leaving => "End what you have begun, then end: listening is for the next worker.".into(),
            Error::Full(_) => "Handle events until Event::Drain, then send again.".into(),
            Error::NotJson(_) => {
                "Send strings, numbers, booleans, arrays, or maps with string keys.".into()
            }
            Error::MessageTooLong { .. } | Error::LineTooLong(_) => {
                "Say it in several messages, or raise Settings::line_limit.".into()
            }
            Error::UnexpectedMessage(_) => "Check what the other side sends.".into(),
            Error::BadLine { .. } | Error::UnexpectedDescriptor => {
                "Check who writes to the channel: only messages of the protocol belong there."
                    .into()
            }
            Error::Undelivered(_) => "Let a worker read before it is stopped.".into(),
            Error::Dropped(_) => {
                "Call recv() or next_event() more often, or have the primary wait for answers.".into()
            }
            Error::Listen { source, .. } => match source.raw_os_error() {
                Some(nix::libc::EADDRINUSE) => {
                    "End the program that listens there, or choose another port (0: any free one).".into()
                }
                Some(nix::libc::EACCES) => {
                    "Ports below 1024 need root: choose a higher one. For a path: check its directory.".into()
                }
                Some(nix::libc::EADDRNOTAVAIL) => {
                    "Choose an address of this machine: 127.0.0.1 for itself alone, 0.0.0.0 for all.".into()
                }
                Some(
                    nix::libc::EMFILE | nix::libc::ENFILE | nix::libc::ENOBUFS | nix::libc::ENOMEM,
                ) => "Close what is open, or raise the limit of open files (ulimit -n).".into(),
                Some(nix::libc::ENAMETOOLONG) => "Choose a path of at most 107 bytes.".into(),
                Some(nix::libc::ENOENT) => "Make the directory first.".into(),
                _ => "Choose another address.".into(),
            },
            Error::Blocking { blocks: true, .. } => {
                "Ask for Listen::blocking() here, too, and accept by Listener::into_std().".into()
            },
            Error::Blocking { blocks: false, .. } => {
                "Leave out Listen::blocking(), or have every worker ask for it.".into()
            }
            Error::NotShared(_) => {
                "Use accept(), or choose SchedulingPolicy::Shared in the primary.".into()
            }
            Error::PolicyFrozen => {
                "Call set_scheduling_policy() before fork(), or when next_event() said None.".into()
            }
            Error::ShuttingDown => "Start workers before begin_shutdown().".into(),
            Error::System { .. } => "Check the limits of this user (ulimit -a).".into(),
        }
    }

    pub(crate) fn system(what: &'static str) -> impl FnOnce(rustix::io::Errno) -> Error {
        move |errno| Error::System { what, source: errno.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::RoleTaken => write!(f, "this process has its role already"),
            Error::ThreadsRunning(count) => {
                write!(f, "cannot take a role: {count} threads run already")
            }
            Error::NoChannel(why) => write!(f, "this worker has no channel to a primary: {why}"),
            Error::AdvancedSerialization => {
                write!(f, "the primary speaks 'advanced' serialization; this program speaks 'json'")
            }
            Error::Spawn { worker, program, source } => {
                write!(f, "cannot start {worker}: {}: {}", program.display(), reason(source))
            }
            Error::NoSuchWorker(worker) => write!(f, "there is no {worker}"),
            Error::Closed(worker) => write!(f, "the channel to {worker} is closed"),
            Error::PrimaryGone => write!(f, "the channel to the primary is closed"),
            Error::Leaving => write!(f, "cannot listen: the primary asked this worker to leave"),
            Error::Full(bytes) => write!(f, "the channel is full: {bytes} bytes wait in it"),
            Error::NotJson(reason) => write!(f, "cannot say this message in JSON: {reason}"),
            Error::MessageTooLong { bytes, limit } => {
                write!(f, "a message of {bytes} bytes; the other side takes {limit}")
            }
            Error::UnexpectedMessage(reason) => write!(f, "an unexpected message: {reason}"),
            Error::BadLine { reason, start } => {
                write!(f, "not a message: {:?} ({reason})", start)
            }
            Error::LineTooLong(limit) => {
                write!(f, "a message of more than {limit} bytes, passed over")
            }
            Error::UnexpectedDescriptor => write!(f, "an unexpected file descriptor, closed"),
            Error::Undelivered(1) => write!(f, "1 message was not delivered"),
            Error::Undelivered(count) => write!(f, "{count} messages were not delivered"),
            Error::Dropped(1) => write!(f, "1 message was dropped: nobody took those before it"),
            Error::Dropped(count) => {
                write!(f, "{count} messages were dropped: nobody took those before them")
            }
            Error::Listen { address, source } => {
                write!(f, "cannot listen on {address}: {}", reason(source))
            }
            Error::Blocking { address, blocks: true } => {
                write!(f, "the listener on {address} is in blocking mode")
            }
            Error::Blocking { address, blocks: false } => {
                write!(f, "the listener on {address} is in non-blocking mode")
            }
            Error::NotShared(address) => {
                write!(f, "the primary distributes the connections to {address}")
            }
            Error::PolicyFrozen => {
                write!(f, "the scheduling policy is fixed while there are workers")
            }
            Error::ShuttingDown => write!(f, "no new worker: the shutdown has begun"),
            Error::System { what, source } => write!(f, "cannot {what}: {}", reason(source)),
        }?;
        if f.alternate() { write!(f, "\n{}", self.advice()) } else { Ok(()) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Spawn { source, .. }
            | Error::Listen { source, .. }
            | Error::System { source, .. } => Some(source),
            Error::NotJson(source) | Error::UnexpectedMessage(source) => Some(source),
            _ => None,
        }
    }
}

/// The system's words, without the number that std adds.
fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_lowercase(),
        None => error.to_string(),
    }
}

/// Why a message was not sent. What can be sent later is given back.
pub enum SendError<M> {
    /// The channel is full: the message, and the bytes that wait already.
    Full(M, usize),
    /// Trying again cannot help.
    Failed(Error),
}

impl<M> From<SendError<M>> for Error {
    fn from(error: SendError<M>) -> Error {
        match error {
            SendError::Full(_, waiting) => Error::Full(waiting),
            SendError::Failed(error) => error,
        }
    }
}

impl<M> From<Error> for SendError<M> {
    fn from(error: Error) -> SendError<M> {
        SendError::Failed(error)
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Full(_, waiting) => write!(f, "Full(.., {waiting})"),
            SendError::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Full(_, waiting) => fmt::Display::fmt(&Error::Full(*waiting), f),
            SendError::Failed(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl<M> std::error::Error for SendError<M> {}

/// Why a listener did not give its socket away; gives the listener back. `?` makes an [`Error`] of
/// it.
pub struct IntoStdError<L> {
    /// The listener, as it was.
    pub listener: L,
    /// [`Error::NotShared`], or the system's reason.
    pub error: Error,
}

impl<L> From<IntoStdError<L>> for Error {
    fn from(error: IntoStdError<L>) -> Error {
        error.error
    }
}

impl<L> fmt::Debug for IntoStdError<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoStdError").field(&self.error).finish()
    }
}

impl<L> fmt::Display for IntoStdError<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl<L> std::error::Error for IntoStdError<L> {}
