//! Waits for another program and ends as it ends; Ctrl-C is the other program's to answer.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitCode, ExitStatus};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Holds signals back while somebody else deals with them.
///
/// Made after the other program is started, because a program inherits what is held back.
#[derive(Debug)]
pub struct Held {
    signals: SigSet,
    arrived: SignalFd,
}

impl Held {
    /// Holds these signals back from now on.
    pub fn back(signals: impl IntoIterator<Item = Signal>) -> io::Result<Held> {
        let signals = SigSet::from_iter(signals);
        signals.thread_block()?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Held { signals, arrived: SignalFd::with_flags(&signals, flags)? })
    }

    /// What becomes readable when a signal arrives.
    pub fn arrived(&self) -> &SignalFd {
        &self.arrived
    }

    /// A signal that has arrived, if there is one.
    pub fn take(&self) -> Option<Signal> {
        let info = self.arrived.read_signal().ok().flatten()?;
        i32::try_from(info.ssi_signo).ok()?.try_into().ok()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        while self.take().is_some() {} // somebody else has dealt with them
        // Unblocking valid signals cannot fail.
        let _ = self.signals.thread_unblock();
    }
}

/// Waits for a program that shares our terminal. Ctrl-C reaches it as well as us; it decides.
pub fn for_child(mut child: Child) -> io::Result<ExitStatus> {
    let _held = Held::back([Signal::SIGINT])?;
    child.wait()
}

/// Our exit code after a program ended with this status. Dies of SIGINT if the program did, so that
/// whoever started us sees that we were interrupted.
pub fn ends_like(status: ExitStatus) -> ExitCode {
    match (status.code(), status.signal()) {
        (_, Some(signal)) if signal == Signal::SIGINT as i32 => cluster::die_of(Signal::SIGINT),
        (Some(code), _) => exit_code(code),
        (None, signal) => exit_code(128 + signal.unwrap_or(0)), // as a shell shows it
    }
}

fn exit_code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
