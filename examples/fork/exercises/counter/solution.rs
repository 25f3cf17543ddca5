//! Nothing is shared: what a worker should know, it has to be told.

use cluster::{Error, Primary, Settings, WorkerId};

/// Runs in the primary.
pub fn fork(primary: &mut Primary, counter: u32) -> Result<WorkerId, Error> {
    primary.fork_with(Settings::new().env("COUNTER", counter.to_string()))
}

/// Runs in the worker.
pub fn counter_of_worker() -> u32 {
    let told = std::env::var("COUNTER").ok();
    told.and_then(|text| text.parse().ok()).unwrap_or(0)
}
