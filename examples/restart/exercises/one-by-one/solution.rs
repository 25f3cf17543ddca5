//! Each step waits for the event that says that the last one is done.

use cluster::{Error, Event, Primary};

pub fn replace_all(primary: &mut Primary) -> Result<(), Error> {
    for old in primary.workers().collect::<Vec<_>>() {
        let new = primary.fork()?;
        while let Some(event) = primary.next_event()? {
            match event {
                Event::Listening(worker, _) if worker == new => {
                    primary.disconnect(old);
                }
                Event::Exit { worker, .. } if worker == old => break,
                _ => {}
            }
        }
    }
    Ok(())
}
