//! The scene that is played twice: visitors come, one after another.

use std::time::{Duration, Instant};

use cluster::SchedulingPolicy;
use narrator::Outcome;
use visitors::{Seen, Visitor};

use crate::{Play, Result, guests};

impl Play {
    pub(crate) fn let_them_come(&mut self, visitor: Visitor) -> Outcome {
        let requests = self.args.requests;
        let come = format!("1 to {requests} come, one after another");
        self.story.tell("visitor", come, "");
        let mut met = Vec::new();
        for _ in 0..requests {
            self.wait_until_all_wait()?;
            let seen = self.one_visit(visitor)?;
            met.extend(seen.iter().map(guests::language));
        }
        self.story.show(guests::order(&met));
        let policy = self.primary.scheduling_policy();
        guests::tell_answered(&self.story, met, policy);
        Ok(())
    }

    fn one_visit(&mut self, visitor: Visitor) -> Result<Vec<Seen>> {
        let seen = guests::come(visitor, 1, self.primary.waker());
        loop {
            if let Ok(seen) = seen.try_recv() {
                return Ok(seen);
            }
            // The primary hands out connections in here.
            let event = self.primary.next_event()?;
            self.react(event)?;
        }
    }

    /// Without this, a worker that was held up would miss its turn, and every
    /// run would count otherwise.
    fn wait_until_all_wait(&mut self) -> Outcome {
        while self.primary.scheduling_policy() == SchedulingPolicy::RoundRobin
            && !self.primary.workers().all(|it| self.primary.is_idle(it))
        {
            // No event tells that a worker waits: look again, and often.
            let soon = Instant::now() + Duration::from_millis(1);
            let event = self.primary.next_event_before(soon)?;
            self.react(event)?;
        }
        Ok(())
    }
}
