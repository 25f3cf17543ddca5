//! Make: your own policy, which takes its time and then gives up.
//!
//! A worker has died. `deaths` says when, counted from the start of the
//! program; the last one has died just now. Deaths that are ten seconds old or
//! older are forgotten. In the end `delay` says how long the replacement waits:
//!
//! * 100 ms after the first death of the last ten seconds, then double that
//!   with each further one: 200 ms, 400 ms, 800 ms;
//! * `None`, if it is the fifth one or more: then nobody is replaced any more.
//!
//! Page `restart` shows what happens without such a policy: `restart --storm`.

use std::time::Duration;

pub fn delay(deaths: &[Duration]) -> Option<Duration> {
    todo!("count the deaths of the last ten seconds, and decide")
}
