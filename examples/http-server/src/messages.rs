//! What primary and workers tell each other about `/status`.

use serde::{Deserialize, Serialize};

/// What a worker says.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FromWorker {
    /// Somebody asks for `/status`, in this request.
    Status { request: u64 },
    /// So many requests were answered, to the question of this number.
    Requests { question: u64, count: u64 },
}

/// What the primary says.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ToWorker {
    /// How many requests were answered?
    Count { question: u64 },
    /// The status, for this request.
    Status { request: u64, status: Status },
}

/// What `/status` answers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Status {
    /// Those that are there.
    pub workers: Vec<WorkerStatus>,
    /// How many replaced one that died.
    pub restarts: u32,
    /// How long the primary has run.
    pub uptime_seconds: f64,
}

/// What `/status` says of one worker.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct WorkerStatus {
    /// Its number.
    pub id: u32,
    /// Its process.
    pub pid: u32,
    /// `listening`, `frozen`, ...
    pub state: String,
    /// How many requests it has answered.
    pub requests: u64,
}
