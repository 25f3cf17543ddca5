//! Make: wait until everybody has come, or never will.
//!
//! Workers have been forked, just now. In the end `roll_call` returns those
//! that came online, in the order of their numbers. It returns as soon as it is
//! known of each worker: it is online, or it has died before. It does not wait
//! for anything else.
//!
//! These help: `Primary::workers` and `next_event`, `Event::Online` and
//! `Event::Exit`. See `cargo doc -p cluster --no-deps --open`

use cluster::{Error, Event, Primary, WorkerId};

pub fn roll_call(primary: &mut Primary) -> Result<Vec<WorkerId>, Error> {
    todo!("look at events until each worker is online or dead")
}
