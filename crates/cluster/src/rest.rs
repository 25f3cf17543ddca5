//! A pause where the system has no room just now: neither an error, nor trying again without end.

use std::time::{Duration, Instant};

use rustix::io::Errno;

/// How long a pause lasts. Long enough to cost no CPU time, short enough for a client not to
/// notice. So long rest a listener and a question for which no descriptor is left, and a worker
/// that a connection came back from.
pub(crate) const REST: Duration = Duration::from_millis(50);

/// Until when something is left alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rest(Option<Instant>);

impl Rest {
    pub(crate) fn begin(&mut self) {
        self.0 = Some(Instant::now() + REST);
    }

    /// When it ends, if it has not ended.
    pub(crate) fn until(self) -> Option<Instant> {
        self.0.filter(|&until| until > Instant::now())
    }
}

/// Whether the system has no descriptor or no memory left, which may change: accept(2), recvmsg(2).
pub(crate) fn is_no_room(errno: Errno) -> bool {
    matches!(errno, Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
}
