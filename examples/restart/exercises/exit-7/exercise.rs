//! Modify: replace the dead, but not those who meant it.
//!
//! Below, every worker that dies unasked is replaced. Some programs say with
//! their exit code that it would be in vain: nginx with 2, gunicorn with 3.
//! Ours says it with 7. In the end such a worker is not replaced; all others
//! are, as before, whether a signal killed them or they exited with another
//! code.
//!
//! These help: `Event::Exit` (page `restart`) and its field `exit`. See
//! `cargo doc -p cluster --no-deps --open`

use cluster::{Error, Event, Exit, Primary};

pub fn react(event: &Event, primary: &mut Primary) -> Result<(), Error> {
    if let Event::Exit { voluntary: false, .. } = event {
        todo!("leave it at that, if the worker exited with code 7");
        primary.fork()?;
    }
    Ok(())
}
