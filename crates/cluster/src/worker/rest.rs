//! A pause where the system has no room just now: neither an error, nor trying again without end.

use std::time::{Duration, Instant};

use rustix::io::Errno;

/// How long a pause lasts. Long enough to cost no CPU time, short enough for a client not to
/// notice.
pub(super) const REST: Duration = Duration::from_millis(50);

/// Until when something is left alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rest(Option<Instant>);

impl Rest {
    pub(super) fn begin(&mut self) {
        self.0 = Some(Instant::now() + REST);
    }

    /// When it ends, if it has not ended.
    pub(super) fn until(self) -> Option<Instant> {
        self.0.filter(|&until| until > Instant::now())
    }
}

/// Whether the system has no descriptor or no memory left, which may change: accept(2), recvmsg(2).
pub(super) fn is_no_room(errno: Errno) -> bool {
    matches!(errno, Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
}
