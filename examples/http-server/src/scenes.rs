//! The visitors come, and one of them asks a worker to crash.

use narrator::Outcome;
use visitors::{Seen, Stay, Visitor};

use crate::{Play, Result, chart, lost};

/// How many connections it may take to meet a certain worker.
const ATTEMPTS: usize = 10_000;

impl Play {
    pub(crate) fn play(&mut self, visitor: Visitor) -> Outcome {
        let requests = self.args.requests;
        let come = format!("1 to {requests} come, one after another");
        self.story.tell("visitor", come, "");
        let served = self.let_them_come(visitor)?;
        let workers = self.service.serving().iter().map(|id| id.get());
        self.story.show(chart::tally(&served, &workers.collect::<Vec<_>>()));

        // ANCHOR: stays
        let mut stay = meet(visitor, 1)?;
        let seen: Vec<Seen> = (0..requests).map(|_| stay.ask("/")).collect();
        let same = seen.iter().all(|seen| seen.worker() == Some(1));
        let asks = format!("stays, and asks {requests} times:");
        let answers = if same { "always worker 1" } else { "not only one" };
        self.story.tell("visitor", asks, answers);
        // ANCHOR_END: stays

        // ANCHOR: crash
        self.story.tell("visitor", "asks worker 1 for", "/crash");
        let seen = self.meanwhile(|| stay.ask("/crash"))?;
        if seen.result.is_ok() {
            return lost(format!("the visitor saw: {seen}"));
        }
        self.let_them_come(visitor)?;
        let come = format!("{} to {} come:", requests + 1, 2 * requests);
        self.story.tell("visitor", come, "every one is answered");
        // ANCHOR_END: crash
        self.one_dies()?; // the visitors may be faster than the news of it
        let workers = self.args.workers();
        self.until(|play| play.service.serving().len() == workers)
    }

    /// One after another, each on a connection of its own: who served them.
    pub(crate) fn let_them_come(
        &mut self,
        visitor: Visitor,
    ) -> Result<Vec<u32>> {
        let requests = self.args.requests as usize;
        let seen = self.meanwhile(|| visitor.one_by_one("/", requests))?;
        seen.iter().map(worker_of).collect()
    }
}

/// Connects until this worker answers, and stays. The kernel chooses who does.
pub(crate) fn meet(visitor: Visitor, worker: u32) -> Result<Stay> {
    for _ in 0..ATTEMPTS {
        let mut stay = visitor.come()?;
        if worker_of(&stay.ask("/"))? == worker {
            return Ok(stay);
        }
    }
    lost(format!("nobody met worker {worker}"))
}

pub(crate) fn worker_of(seen: &Seen) -> Result<u32> {
    match (&seen.result, seen.worker()) {
        (Ok(answer), Some(worker)) if answer.is_success() => Ok(worker),
        _ => lost(format!("a visitor saw: {seen}")),
    }
}
