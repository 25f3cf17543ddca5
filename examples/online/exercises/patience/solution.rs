//! One deadline for the whole wait: it does not move when something happens.

use std::time::{Duration, Instant};

use cluster::{Error, Event, Primary, WorkerId};

pub fn comes_online(
    primary: &mut Primary,
    worker: WorkerId,
    patience: Duration,
) -> Result<bool, Error> {
    let deadline = Instant::now() + patience;
    while let Some(event) = primary.next_event_before(deadline)? {
        match event {
            Event::Online(it) if it == worker => return Ok(true),
            Event::Exit { worker: it, .. } if it == worker => break,
            Event::Deadline => break,
            _ => {}
        }
    }
    Ok(false)
}
