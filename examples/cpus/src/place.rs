//! Where a process runs: on which CPUs it may, and on which it was seen.

use std::collections::BTreeSet;

use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu};
use nix::unistd::Pid;

use crate::proc::named;

/// The CPUs on which this process was seen.
#[derive(Debug, Default)]
pub(crate) struct Place {
    seen: BTreeSet<usize>,
}

impl Place {
    /// Looks on which CPU this process runs at this moment.
    pub(crate) fn look(&mut self) -> nix::Result<()> {
        self.seen.insert(sched_getcpu()?);
        Ok(())
    }

    /// As the end of a sentence that begins with the worker.
    pub(crate) fn told(&self) -> nix::Result<String> {
        let may = named(mask()?);
        let seen = named(self.seen.iter().copied());
        Ok(format!("may run on {may}, was seen on {seen}"))
    }
}

// ANCHOR: mask
/// The CPUs on which the kernel may run this process: its affinity mask.
pub(crate) fn mask() -> nix::Result<Vec<usize>> {
    let mask = sched_getaffinity(Pid::from_raw(0))?; // 0: this process
    let numbers = 0..CpuSet::count();
    Ok(numbers.filter(|&cpu| mask.is_set(cpu) == Ok(true)).collect())
}
// ANCHOR_END: mask
