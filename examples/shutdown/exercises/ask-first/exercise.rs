//! Modify: ask first, and use force only if you must.
//!
//! Below, `stop` ends all workers at once, whatever they have in their hands.
//! In the end it asks them to leave, and waits: who leaves within `grace` is
//! left in peace, who is still there after that is killed. It returns when
//! nobody is left, and at once if everybody leaves sooner.
//!
//! `Primary::begin_shutdown` does that and more. Leave it aside, and see what
//! it takes. These help: `disconnect_all`, `next_event_before`, `kill`.
//! See `cargo doc -p cluster --no-deps --open`

use std::time::{Duration, Instant};

use cluster::{Error, Event, Primary, Signal};

pub fn stop(primary: &mut Primary, grace: Duration) -> Result<(), Error> {
    todo!("ask everybody to leave, and wait for `grace`");
    for worker in primary.workers().collect::<Vec<_>>() {
        primary.kill(worker, Signal::SIGKILL)?;
    }
    while primary.next_event()?.is_some() {}
    Ok(())
}
