//! The environment of a worker: by it, a program knows that it is one.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::settings::Settings;
use crate::terms::Terms;
use crate::{SchedulingPolicy, WorkerId};

/// What the primary has, what the settings add, and last what makes a worker. `channel`: under the
/// number that it has in the worker, too.
pub(super) fn environment(
    settings: &Settings,
    id: WorkerId,
    channel: &OwnedFd,
    policy: SchedulingPolicy,
) -> Vec<(OsString, OsString)> {
    let (line_limit, queue_limit) = settings.limits();
    let terms = Terms { line_limit, queue_limit, policy };
    let mut changes = settings.env.clone();
    changes.extend([
        ("NODE_UNIQUE_ID".into(), Some(id.get().to_string().into())),
        ("NODE_CHANNEL_FD".into(), Some(channel.as_raw_fd().to_string().into())),
        ("NODE_CHANNEL_SERIALIZATION_MODE".into(), Some("json".into())),
        (Terms::VARIABLE.into(), Some(terms.to_text().into())),
    ]);
    let mut environment: Vec<_> = std::env::vars_os()
        .filter(|(name, _)| !changes.iter().any(|(other, _)| other == name))
        .collect();
    for at in 0..changes.len() {
        let (name, value) = &changes[at];
        let overridden = changes[at + 1..].iter().any(|(later, _)| later == name);
        if let (Some(value), false) = (value, overridden) {
            environment.push((name.clone(), value.clone()));
        }
    }
    environment
}
