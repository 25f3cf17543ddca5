//! The code is part of the event, and can be compared.

use cluster::{Error, Event, Exit, Primary};

pub fn react(event: &Event, primary: &mut Primary) -> Result<(), Error> {
    match event {
        Event::Exit { exit: Exit::Code(7), .. } => {}
        Event::Exit { voluntary: false, .. } => {
            primary.fork()?;
        }
        _ => {}
    }
    Ok(())
}
