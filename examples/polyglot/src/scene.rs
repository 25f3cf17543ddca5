//! The scene that is played twice: visitors come, one after another.

use cluster::{SchedulingPolicy, WorkerId};
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
        if self.primary.scheduling_policy() != SchedulingPolicy::RoundRobin {
            return Ok(()); // the primary is not told
        }
        while let Some(worker) = self.who_is_held_up() {
            self.primary.tell_when_idle(worker);
            let event = self.primary.next_event()?;
            self.react(event)?;
        }
        Ok(())
    }

    fn who_is_held_up(&self) -> Option<WorkerId> {
        self.primary.workers().find(|&it| !self.primary.is_idle(it))
    }
}
