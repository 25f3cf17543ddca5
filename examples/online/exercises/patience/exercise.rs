//! Modify: a worker that never comes, and a primary that waits no longer.
//!
//! `comes_online` waits for this worker to come online. Below, it waits for
//! ever if the worker neither comes nor dies. In the end it says `false` when
//! the worker is not online after `patience`, whatever other workers do
//! meanwhile.
//!
//! These help: `Primary::next_event_before` and `Event::Deadline`. See page
//! `online`, and `cargo doc -p cluster --no-deps --open`

use std::time::{Duration, Instant};

use cluster::{Error, Event, Primary, WorkerId};

pub fn comes_online(
    primary: &mut Primary,
    worker: WorkerId,
    patience: Duration,
) -> Result<bool, Error> {
    todo!("wait no longer than `patience`");
    while let Some(event) = primary.next_event()? {
        match event {
            Event::Online(it) if it == worker => return Ok(true),
            Event::Exit { worker: it, .. } if it == worker => break,
            _ => {}
        }
    }
    Ok(false)
}
