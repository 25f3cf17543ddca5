//! How many workers make sense.

/// How many CPUs this process may use: those of the machine, less what its affinity mask
/// (sched_setaffinity(2)) and its cgroup's quota forbid; 1 where the system does not say. Node's
/// `os.availableParallelism()`, which in Node 20 does not know of quotas.
///
/// One worker for each is a good start: more only take turns.
pub fn available_parallelism() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
