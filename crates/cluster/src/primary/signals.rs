//! The primary's own signals, read like any other news.

use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::{Error, Signal};

/// Opens a descriptor on which these signals arrive, and blocks their usual effect for this thread
/// and those that it starts.
pub(crate) fn signalfd(signals: &[Signal]) -> Result<SignalFd, Error> {
    let set: SigSet = signals.iter().copied().collect();
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    // In this order: where there is no descriptor, the signals keep their usual effect.
    SignalFd::with_flags(&set, flags)
        .and_then(|fd| set.thread_block().map(|()| fd))
        .map_err(|errno| Error::System { what: "wait for signals", source: errno.into() })
}

/// The next signal that arrived.
pub(crate) fn read(signals: &SignalFd) -> Option<Signal> {
    let info = signals.read_signal().ok()??;
    Signal::try_from(info.ssi_signo.cast_signed()).ok()
}

/// Ends this process by a signal, so that whoever started it sees the true reason: a shell shows
/// 130 after SIGINT.
pub fn die_of(signal: Signal) -> ! {
    let mut set = SigSet::empty();
    set.add(signal);
    // Blocked signals wait: it is raised first, and takes effect when it is let through.
    let _ = nix::sys::signal::raise(signal);
    let _ = set.thread_unblock();
    // Only where the signal is ignored or handled: say the same by the exit code that shells use.
    std::process::exit(128 + signal as i32)
}
