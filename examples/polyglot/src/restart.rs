//! How soon a worker that died is replaced.

use std::time::{Duration, Instant};

use cluster::{Error, RestartPolicy};

pub(crate) struct Restart {
    of_servers: RestartPolicy,
    /// Who dies before it listens will probably do so again.
    of_newborn: RestartPolicy,
}

impl Restart {
    pub(crate) fn new() -> Restart {
        let ms = Duration::from_millis;
        // ANCHOR: policies
        // Short: while all are dead, clients wait for the first that is back.
        let of_servers = RestartPolicy::back_off(ms(100), ms(500));
        let of_newborn = RestartPolicy::back_off(ms(100), ms(1000))
            .at_most(10, Duration::from_secs(60));
        // ANCHOR_END: policies
        Restart { of_servers, of_newborn }
    }

    /// How long to wait after the death of one that served, or did not yet.
    pub(crate) fn after(&mut self, served: bool) -> Result<Duration, Error> {
        match served {
            true => self.of_servers.decide(Instant::now()),
            false => self.of_newborn.decide(Instant::now()),
        }
    }
}
