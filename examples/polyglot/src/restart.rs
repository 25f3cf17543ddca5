//! How soon a worker that died is replaced.

use std::time::Duration;

use cluster::{Primary, Restart, RestartPolicy, WorkerId};

pub(crate) struct Policies {
    of_servers: RestartPolicy,
    /// Who dies before it listens will probably do so again.
    of_newborn: RestartPolicy,
}

impl Policies {
    pub(crate) fn new() -> Policies {
        let ms = Duration::from_millis;
        // ANCHOR: policies
        // Short: while all are dead, clients wait for the first that is back.
        let of_servers = RestartPolicy::back_off(ms(100), ms(500));
        let of_newborn = RestartPolicy::back_off(ms(100), ms(1000))
            .at_most(10, Duration::from_secs(60));
        // ANCHOR_END: policies
        Policies { of_servers, of_newborn }
    }

    /// Replaces one that served, or did not yet.
    pub(crate) fn after(
        &mut self,
        worker: WorkerId,
        served: bool,
        primary: &mut Primary,
    ) -> Restart {
        match served {
            true => self.of_servers.after(worker, primary),
            false => self.of_newborn.after(worker, primary),
        }
    }
}
