//! Three steps: ask, wait until a deadline, use force.

use std::time::{Duration, Instant};

use cluster::{Error, Event, Primary, Signal};

pub fn stop(primary: &mut Primary, grace: Duration) -> Result<(), Error> {
    primary.disconnect_all();
    let deadline = Instant::now() + grace;
    while let Some(event) = primary.next_event_before(deadline)? {
        if matches!(event, Event::Deadline) {
            break;
        }
    }
    for worker in primary.workers().collect::<Vec<_>>() {
        primary.kill(worker, Signal::SIGKILL)?;
    }
    while primary.next_event()?.is_some() {}
    Ok(())
}
