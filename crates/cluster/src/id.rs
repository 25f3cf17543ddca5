//! A worker's number.

use std::fmt;

/// A worker's number: 1 for the first one that a primary forks, and never used again. Node's
/// `worker.id`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct WorkerId(pub(crate) u32);

impl WorkerId {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("worker {}", self.0))
    }
}
