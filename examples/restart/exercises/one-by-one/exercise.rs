//! Make: new workers for old, one by one, and nobody notices.
//!
//! Three workers listen. In the end each has been replaced by a new one, as for
//! a new version of the program. At every moment at least three are there, and
//! at most four: first comes a new one; when it listens (`Event::Listening`),
//! an old one is asked to leave; when that has exited, it is the next one's
//! turn.
//!
//! These help: `Primary::workers`, `fork`, `disconnect`, `next_event`. See
//! `cargo doc -p cluster --no-deps --open`

use cluster::{Error, Event, Primary};

pub fn replace_all(primary: &mut Primary) -> Result<(), Error> {
    todo!("for each old worker: fork a new one, wait, ask the old one, wait")
}
