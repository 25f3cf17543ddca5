//! A service as process 1 of a container.

use std::process;

use cluster::{Error, Primary};

/// Whoever loses its parent becomes a child of process 1, which has to reap it: a service that is
/// process 1 does, and any other one leaves that to whoever is. (Signals that nobody has a handler
/// for do not reach process 1 at all; `cluster::role` sees to that.)
///
/// # Errors
/// When the system has no descriptor left.
pub fn reap_as_first_process(primary: &mut Primary) -> Result<(), Error> {
    if process::id() == 1 { primary.reap_strangers(true) } else { Ok(()) }
}
