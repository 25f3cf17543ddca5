//! What to do when a worker has died: policies of the crate, or your own.

use std::time::Duration;

use cluster::{Error, Event, Primary, Restart, RestartPolicy};
use narrator::Outcome;

use crate::Play;

const NOW: Duration = Duration::ZERO;

/// What the primary does when a worker has died.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default)]
pub enum Strategy {
    /// Replace it at once
    AtOnce,
    /// Wait before that, and longer with each death
    #[default]
    BackOff,
    /// Two restarts within ten seconds, and no third
    GiveUp,
    /// Replace it at once, without a policy of the crate
    Own,
    /// Nothing, as Node does if nobody tells it
    None,
}

/// A strategy at work: it remembers the deaths.
pub(crate) enum Plan {
    Policy(RestartPolicy),
    Own,
    None,
}

/// A long life for this lesson: here everybody dies young, and that is the
/// story on a busy machine as well.
const LONG: Duration = Duration::from_secs(60);

impl Plan {
    pub(crate) fn new(strategy: Strategy) -> Plan {
        let ms = Duration::from_millis;
        let policy = match strategy {
            // ANCHOR: policies
            Strategy::AtOnce => RestartPolicy::at_once(),
            Strategy::BackOff => RestartPolicy::back_off(ms(100), ms(800)),
            Strategy::GiveUp => RestartPolicy::at_once().at_most(2, ms(10_000)),
            // ANCHOR_END: policies
            Strategy::Own => return Plan::Own,
            Strategy::None => return Plan::None,
        };
        Plan::Policy(policy.healthy_after(LONG))
    }
}

impl Play {
    // ANCHOR: replace
    /// Replaces a worker that died unasked, or not, or later.
    pub(crate) fn replace(&mut self, died: &Event) -> Outcome {
        let Event::Exit { worker, voluntary: false, .. } = *died else {
            return Ok(()); // who was asked to leave is not missed
        };
        let policy = match &mut self.plan {
            Plan::None => return Ok(()),
            Plan::Own => {
                self.wanted += 1;
                return Ok(own(died, &mut self.primary)?);
            }
            Plan::Policy(policy) => policy,
        };
        match policy.after(worker, &mut self.primary) {
            Restart::In { delay, .. } => {
                self.wanted += 1;
                if delay > NOW {
                    let delay = format!("{} ms", delay.as_millis());
                    self.story.tell("primary", "waits", delay);
                }
            }
            gave_up => self.story.tell("primary", gave_up, ""),
        }
        Ok(())
    }
    // ANCHOR_END: replace
}

// ANCHOR: own
/// Node's `cluster.on('exit', () => cluster.fork())`.
pub(crate) fn own(event: &Event, primary: &mut Primary) -> Result<(), Error> {
    if let Event::Exit { voluntary: false, .. } = event {
        primary.fork()?;
    }
    Ok(())
}
// ANCHOR_END: own
