//! Deadlines as poll(2) wants them.

use std::time::Instant;

use rustix::event::Timespec;

/// The time left until a deadline; nothing if it has passed.
pub(crate) fn time_left(deadline: Instant) -> Timespec {
    let left = deadline.saturating_duration_since(Instant::now());
    // Longer than the clock can say is as good as for ever.
    Timespec::try_from(left).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
}
