//! What this process is: the primary, or one of its workers.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::terms::Terms;
use crate::{Error, Primary, Worker, WorkerId, sys};

/// What this process is; Node's `cluster.isPrimary` and `cluster.isWorker`, with what belongs to
/// each.
#[allow(clippy::large_enum_variant)] // there is one of them in a process
#[derive(Debug)]
pub enum Role {
    /// Nobody's worker: the process that forks and is told what happens.
    Primary(Primary),
    /// A worker that a primary forked.
    Worker(Worker),
}

impl Role {
    /// Whether this is the primary.
    pub fn is_primary(&self) -> bool {
        matches!(self, Role::Primary(_))
    }

    /// Whether this is a worker.
    pub fn is_worker(&self) -> bool {
        matches!(self, Role::Worker(_))
    }
}

static TAKEN: AtomicBool = AtomicBool::new(false);
static WORKER: OnceLock<bool> = OnceLock::new();

/// Takes this process's role. Call it first in `main`, before arguments are parsed and threads are
/// started.
///
/// A worker is told from a primary by the environment variable `NODE_UNIQUE_ID`, as in Node. A
/// worker's role is taken out of the environment, so that programs that the worker starts do not
/// believe it is theirs, and the primary is told that this worker is online.
///
/// From here on a worker leaves SIGINT to its primary, and SIGTERM, unless its primary sent it or
/// this very process: a terminal, systemd and timeout(1) send theirs to all processes of the group,
/// and what they mean is the primary's decision. A handler of the program's own takes the place of
/// that. When the primary ends, however that comes, the worker ends within a second, even one that
/// was stopped (SIGSTOP).
///
/// # Errors
/// [`Error::RoleTaken`] on a second call; [`Error::ThreadsRunning`] when this is not the only
/// thread (changing the environment would not be safe); [`Error::NoChannel`] and
/// [`Error::AdvancedSerialization`] in a worker whose primary cannot be understood.
pub fn role() -> Result<Role, Error> {
    // First, because a worker that has its role also has a thread: the one that watches its
    // primary.
    if TAKEN.load(Ordering::Relaxed) {
        return Err(Error::RoleTaken);
    }
    let threads = count_threads()?;
    if threads > 1 {
        return Err(Error::ThreadsRunning(threads));
    }
    let worker = is_worker();
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(Error::RoleTaken);
    }
    if !worker {
        return Primary::new().map(Role::Primary);
    }
    let [id, channel, mode, terms] =
        ["NODE_UNIQUE_ID", "NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE", Terms::VARIABLE]
            .map(|name| sys::take_variable(name).map(|value| value.to_string_lossy().into_owned()));
    if mode.is_some_and(|mode| mode == "advanced") {
        return Err(Error::AdvancedSerialization);
    }
    let channel = channel.ok_or_else(|| Error::NoChannel("NODE_CHANNEL_FD is not set".into()))?;
    let socket = channel.parse().ok().and_then(sys::adopt).ok_or_else(|| {
        Error::NoChannel(format!("NODE_CHANNEL_FD is {channel:?}, and nothing is open there"))
    })?;
    if rustix::net::sockopt::socket_type(&socket) != Ok(rustix::net::SocketType::STREAM) {
        return Err(Error::NoChannel(format!("descriptor {channel} is not a stream socket")));
    }
    // Node reads the number as `NODE_UNIQUE_ID | 0`, so that anything else than a number is 0.
    let id = WorkerId(id.and_then(|id| id.trim().parse().ok()).unwrap_or(0));
    // Only a primary of ours says them.
    let terms = terms.and_then(|terms| Terms::from_text(&terms));
    Worker::new(id, socket, terms).map(Role::Worker)
}

/// Whether this process is a worker; Node's `cluster.isWorker`. Constant for the life of the
/// process.
pub fn is_worker() -> bool {
    *WORKER.get_or_init(|| std::env::var_os("NODE_UNIQUE_ID").is_some())
}

/// Whether this process is a primary; Node's `cluster.isPrimary`. Constant for the life of the
/// process.
pub fn is_primary() -> bool {
    !is_worker()
}

/// The old name of [`is_primary`], found in much Node material.
#[deprecated = "Node calls it isPrimary since version 16: use is_primary"]
pub fn is_master() -> bool {
    is_primary()
}

fn count_threads() -> Result<usize, Error> {
    let tasks = std::fs::read_dir("/proc/self/task")
        .map_err(|source| Error::System { what: "count the threads in /proc/self/task", source })?;
    Ok(tasks.count())
}
