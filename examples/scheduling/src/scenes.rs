//! Three scenes: visitors one after another, one who stays, one with work.

use std::thread;
use std::time::{Duration, Instant};

use cluster::{Event, SchedulingPolicy, WorkerId};
use narrator::Outcome;
use visitors::{PATIENCE, Seen, Visitor};

use crate::{Play, Result, chart, lost};

/// How long the worker with work is busy.
pub(crate) const WORK: &str = "/work?ms=300";

impl Play {
    pub(crate) fn one_after_another(&mut self, visitor: Visitor) -> Outcome {
        let requests = self.args.requests;
        let come = format!("1 to {requests} come, one after another");
        self.story.tell("visitor", come, "");
        let (served, _) = self.let_them_come(visitor)?;
        self.story.show(chart::order(&served));
        let workers = self.primary.workers().map(|worker| worker.get());
        for (actor, deed) in chart::tally(&served, workers) {
            match self.policy {
                SchedulingPolicy::Shared => {
                    self.story.show(chart::by_chance(&actor, &deed));
                }
                _ => self.story.tell(actor, deed, ""),
            }
        }
        Ok(())
    }

    pub(crate) fn one_who_stays(&mut self, visitor: Visitor) -> Outcome {
        let requests = self.args.requests as usize;
        let seen = self.meanwhile(|| visitor.stay("/", requests))?;
        let times = chart::count(requests, "time");
        let asks = format!("asks {times} on one connection");
        self.story.tell("visitor", asks, "");
        let mut workers: Vec<u32> =
            seen.iter().map(worker_of).collect::<Result<_>>()?;
        workers.dedup();
        let met = chart::count(workers.len(), "worker");
        self.story.tell("visitor", "meets", met);
        Ok(())
    }

    pub(crate) fn one_with_work(&mut self, visitor: Visitor) -> Outcome {
        thread::scope(|scope| {
            let working = scope.spawn(|| visitor.visit(WORK));
            self.wait_until_one_is_busy()?;
            self.story.tell("visitor", "brings work for", "300 ms");
            let (served, waits) = self.let_them_come(visitor)?;
            let come = format!("1 to {} come meanwhile", served.len());
            self.story.tell("visitor", come, "");
            self.story.show(chart::order(&served));
            self.story.tell("visitor", chart::longest(&waits), "");
            match working.join() {
                Ok(seen) => worker_of(&seen)?,
                Err(_) => return lost("the visitor with work is gone"),
            };
            self.busy = None;
            Ok(())
        })
    }

    /// One visitor after another: who served each, and how long each waited.
    fn let_them_come(
        &mut self,
        visitor: Visitor,
    ) -> Result<(Vec<u32>, Vec<Duration>)> {
        let (mut served, mut waits) = (Vec::new(), Vec::new());
        for _ in 0..self.args.requests {
            self.wait_until_the_last_is_free()?;
            let seen = self.meanwhile(|| visitor.visit("/"))?;
            let worker = worker_of(&seen)?;
            self.draw(worker);
            served.push(worker);
            waits.push(seen.latency);
        }
        Ok((served, waits))
    }

    /// For the picture: the way of a connection to this worker.
    fn draw(&self, worker: u32) {
        let worker = format!("worker {worker}");
        let story = &self.story;
        if self.policy == SchedulingPolicy::RoundRobin {
            story.aside("visitor", "connects to", "the primary");
            story.aside("primary", "hands the connection to", &worker);
        } else {
            let connects = "connects, through the kernel, to";
            story.aside("visitor", connects, &worker);
        }
        story.aside(worker, "answers", "the visitor");
    }

    /// Lets somebody wait in a thread of its own, while the primary hands out
    /// connections: all of that happens inside `next_event`.
    fn meanwhile<T: Send>(
        &mut self,
        wait: impl FnOnce() -> T + Send,
    ) -> Result<T> {
        let waker = self.primary.waker();
        host::meanwhile(waker, wait, || {
            let event = self.primary.next_event()?;
            self.react(event)
        })
    }

    /// Without this, a worker that was held up between its answer and its next
    /// `accept` would miss its turn, and every run would count otherwise.
    fn wait_until_the_last_is_free(&mut self) -> Outcome {
        if self.policy != SchedulingPolicy::RoundRobin {
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
        let mut workers = self.primary.workers();
        workers.find(|&worker| {
            Some(worker) != self.busy && !self.primary.is_idle(worker)
        })
    }

    fn wait_until_one_is_busy(&mut self) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        while self.busy.is_none() {
            match self.primary.next_event_before(deadline)? {
                Some(Event::Deadline) => return lost("nobody takes the work"),
                event => self.react(event)?,
            }
        }
        Ok(())
    }
}

fn worker_of(seen: &Seen) -> Result<u32> {
    match (&seen.result, seen.worker()) {
        (Ok(answer), Some(worker)) if answer.is_success() => Ok(worker),
        _ => lost(format!("a visitor saw: {seen}")),
    }
}
