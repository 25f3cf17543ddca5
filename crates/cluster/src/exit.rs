//! How a process ended.

use std::fmt;

use crate::Signal;

/// How a process ended; Node's `(code, signal)` of the `exit` event. See wait(2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal(Signal),
    /// A real-time signal ended it; its number.
    RealTimeSignal(i32),
    /// Unknown: other code in the primary called wait(2) for any child, and took the exit status.
    Unknown,
}

impl Exit {
    pub(crate) fn from_signal(number: i32) -> Exit {
        Signal::try_from(number).map_or(Exit::RealTimeSignal(number), Exit::Signal)
    }

    /// Whether it exited with code 0.
    pub fn success(self) -> bool {
        self == Exit::Code(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exits {code}"),
            Exit::Signal(signal) => write!(f, "killed by {signal}"),
            Exit::Unknown => write!(f, "ended, nobody knows how"),
            Exit::RealTimeSignal(number) => write!(f, "killed by signal {number}"),
        }
    }
}
