//! Make: a door that closes behind the last guest.
//!
//! A server counts the requests that are under way, on many threads: each
//! enters by a door, and leaves by it. In the end
//!
//! * `enter` lets a guest in and says `true`, or says `false` if the door is
//!   closed;
//! * `leave` lets a guest out;
//! * `close` closes the door, so that nobody else comes in, and returns when
//!   the last guest has left. It sleeps until then.
//!
//! These help: the documentation of `std::sync::Condvar`; page `shutdown`.

use std::sync::{Condvar, Mutex};

/// Whether the door is closed, how many guests are inside, and a bell that
/// rings when somebody leaves.
pub type Door = (Mutex<(bool, usize)>, Condvar);

pub fn enter(door: &Door) -> bool {
    todo!("count the guest, unless the door is closed")
}

pub fn leave(door: &Door) {
    todo!("count the guest out, and ring the bell")
}

pub fn close(door: &Door) {
    todo!("close the door, then wait for the bell until nobody is inside")
}
