//! Modify: a worker that goes on counting where the primary is.
//!
//! The primary has counted something when it forks. A worker is another
//! process, started from the top, so its counter begins at 0, as it does below.
//! In the end `counter_of_worker` returns, in the worker, what `counter` was in
//! the primary when it was forked. Choose yourself how it gets there.
//!
//! These help: `Primary::fork_with`, `Settings::env` or `args`. See
//! `cargo doc -p cluster --no-deps --open`

use cluster::{Error, Primary, WorkerId};

/// Runs in the primary.
pub fn fork(primary: &mut Primary, counter: u32) -> Result<WorkerId, Error> {
    let worker = primary.fork()?;
    todo!("give the worker the value of `counter` to take along");
    Ok(worker)
}

/// Runs in the worker.
pub fn counter_of_worker() -> u32 {
    0
}
