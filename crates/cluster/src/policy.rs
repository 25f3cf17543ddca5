//! Who chooses the worker for a connection.

/// Who chooses the worker for a connection; Node's `cluster.schedulingPolicy`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum SchedulingPolicy {
    /// The primary accepts, and hands each connection to the worker that has waited longest; Node's
    /// `SCHED_RR`.
    #[default]
    RoundRobin,
    /// The workers share the listening socket, and the kernel chooses; Node's `SCHED_NONE`.
    Shared,
}

impl SchedulingPolicy {
    /// What `NODE_CLUSTER_SCHED_POLICY` says: exactly `rr` or `none`. Anything else means the
    /// default, as in Node.
    pub(crate) fn from_environment() -> SchedulingPolicy {
        match std::env::var_os("NODE_CLUSTER_SCHED_POLICY") {
            Some(policy) if policy == "none" => SchedulingPolicy::Shared,
            _ => SchedulingPolicy::RoundRobin,
        }
    }
}
