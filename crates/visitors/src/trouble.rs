//! What a visitor can meet instead of an answer.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

/// What a visitor met instead of an answer.
///
/// `{}` shows it in one line; `{:#}` adds a second line that says what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Trouble {
    /// Nobody listens there.
    Refused,
    /// The other side ended the connection hard: it threw away what was under way.
    Reset,
    /// The other side ended the connection before the answer was whole.
    ClosedEarly,
    /// The visitor's patience ended first.
    TimedOut,
    /// What came was not HTTP; why.
    NotHttp(String),
    /// The answer is larger than a visitor takes; the limit that it broke, in bytes.
    TooLarge(usize),
    /// The address is not on this machine.
    NotLoopback(SocketAddr),
    /// This cannot stand in a request line.
    NotAPath(String),
    /// The system refused something.
    System(ErrorKind),
}

impl Trouble {
    pub(crate) fn not_http(why: impl fmt::Display) -> Trouble {
        Trouble::NotHttp(why.to_string())
    }

    /// What to do about it, in one line.
    pub fn advice(&self) -> &'static str {
        match self {
            Trouble::Refused => "Check that the server runs, and its port.",
            Trouble::Reset | Trouble::ClosedEarly => "See what the server said before it hung up.",
            Trouble::TimedOut => "See what the server is busy with, or have more patience.",
            Trouble::NotHttp(_) => "Check that this port belongs to an HTTP server.",
            Trouble::TooLarge(_) => "Ask for something smaller.",
            Trouble::NotLoopback(_) => "Visit 127.0.0.1 or [::1]: visitors stay on this machine.",
            Trouble::NotAPath(_) => "Begin with a slash, and use visible ASCII characters only.",
            Trouble::System(_) => "Check the limits of this user (ulimit -a).",
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        match error.kind() {
            ErrorKind::ConnectionRefused => Trouble::Refused,
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
                Trouble::Reset
            }
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Trouble::TimedOut,
            kind => Trouble::System(kind),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Refused => write!(f, "connection refused"),
            Trouble::Reset => write!(f, "connection reset"),
            Trouble::ClosedEarly => write!(f, "connection closed before the answer was whole"),
            Trouble::TimedOut => write!(f, "no answer in time"),
            Trouble::NotHttp(why) => write!(f, "not HTTP: {why}"),
            Trouble::TooLarge(limit) => write!(f, "an answer of more than {limit} bytes"),
            Trouble::NotLoopback(address) => write!(f, "{address} is not on this machine"),
            Trouble::NotAPath(path) => write!(f, "not a path: {path:?}"),
            Trouble::System(kind) => write!(f, "the system refused: {kind}"),
        }?;
        if f.alternate() { write!(f, "\n{}", self.advice()) } else { Ok(()) }
    }
}

impl std::error::Error for Trouble {}
