//! The crew: workers that take one part at a time, and are replaced when they
//! die.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use cluster::{
    Event, Exit, Message, Primary, Restart, RestartPolicy, SendError, Settings,
    Signal, Stdio, WorkerId,
};
use narrator::{Failure, Outcome};

use crate::Result;
use crate::kernel::{Answer, Hex, Work};
use crate::queue::{Queue, TRIES};
use crate::task::Task;
use crate::text;
use crate::voice::Voice;
use crate::worker::{Reply, Request};

/// The primary's side of sharing out.
pub(crate) struct Crew {
    primary: Primary,
    pub voice: Voice,
    restart: RestartPolicy,
    /// Who waits for a part.
    free: BTreeSet<WorkerId>,
    /// Who has a part, which one, and the digits of its result so far.
    busy: BTreeMap<WorkerId, (usize, String)>,
    /// For how many seconds each has computed.
    worked: BTreeMap<WorkerId, f64>,
    /// How many are still to be killed, and who was.
    kills: u32,
    killed: BTreeSet<WorkerId>,
}

impl Crew {
    /// Starts the workers, and waits until all of them are up, so that nobody's
    /// start is measured.
    pub(crate) fn start(
        mut primary: Primary,
        voice: Voice,
        workers: usize,
        kills: u32,
    ) -> Result<Crew> {
        primary.setup(Settings::new().stderr(Stdio::Lines));
        for _ in 0..workers {
            primary.fork()?;
        }
        let [first, most] = [10, 100].map(Duration::from_millis);
        let mut crew = Crew {
            primary,
            voice,
            restart: RestartPolicy::back_off(first, most)
                .at_most(20 + kills as usize, Duration::from_secs(10)),
            free: BTreeSet::new(),
            busy: BTreeMap::new(),
            worked: BTreeMap::new(),
            kills,
            killed: BTreeSet::new(),
        };
        let mut nothing = Queue::new(0);
        while crew.free.len() < workers {
            crew.hear(&mut nothing, "")?;
        }
        Ok(crew)
    }

    /// Has the parts of a task computed, at most `at_once` at the same time.
    /// Returns what came of them, and after how many seconds.
    pub(crate) fn compute(
        &mut self,
        task: &Task,
        parts: &[Work],
        at_once: usize,
    ) -> Result<(Answer, f64)> {
        let start = Instant::now();
        let mut queue = Queue::new(parts.len());
        self.voice.expect(parts.len());
        while !queue.is_done() {
            self.hand_out(parts, &mut queue, at_once);
            self.hear(&mut queue, &task.to_string())?;
            self.voice.progress(queue.count_done());
        }
        let answer = task.put_together(queue.into_answers());
        self.voice.expect_nothing();
        Ok((answer, start.elapsed().as_secs_f64()))
    }

    /// Gives a part to everybody who is free.
    fn hand_out(
        &mut self,
        parts: &[Work],
        queue: &mut Queue<Answer>,
        at_once: usize,
    ) {
        // ANCHOR: hand_out
        while self.busy.len() < at_once
            && let Some(worker) = self.free.first().copied()
            && let Some(part) = queue.take()
        {
            self.free.remove(&worker);
            let request = Request { part, work: parts[part].clone() };
            match self.primary.send(worker, request) {
                Ok(_) => drop(self.busy.insert(worker, (part, String::new()))),
                // It does not read: `Drain` will come. It is gone: `Exit`.
                Err(SendError::Full(..) | SendError::Failed(_)) => {
                    queue.put_back(part)
                }
            }
        }
        // ANCHOR_END: hand_out
    }

    /// Waits for the next event, and does what it asks for.
    fn hear(&mut self, queue: &mut Queue<Answer>, task: &str) -> Outcome {
        let event = self.primary.next_event()?.ok_or_else(nobody_left)?;
        match event {
            Event::Fork(worker) => self.voice.forks(&self.primary, worker),
            Event::Online(worker) | Event::Drain(worker) => {
                self.free.insert(worker);
            }
            Event::Message(worker, message) => {
                let said = self.take(worker, message, queue, task);
                said.map_or_else(|| self.distrust(worker), Ok)?;
            }
            Event::Exit { worker, exit, .. } => {
                self.bury(worker, exit, queue, task)?;
                let restart = self.restart.after(worker, &mut self.primary);
                if let Restart::GaveUp { .. } = restart {
                    let (what, advice) =
                        (restart.to_string(), restart.advice());
                    return Err(Failure::new(what, advice).into());
                }
            }
            Event::ForkFailed { error, .. } => return Err(error.into()),
            Event::Output(worker, line) => {
                self.voice.tell(worker, "says:", line);
            }
            Event::Error(worker, _) => self.distrust(worker)?,
            _ => {}
        }
        Ok(())
    }

    /// Who talks nonsense may never give its part back.
    fn distrust(&mut self, worker: WorkerId) -> Outcome {
        self.voice.tell("primary", "does not understand", worker);
        Ok(self.primary.kill(worker, Signal::SIGKILL)?)
    }

    /// Takes what a worker says about its part. Nothing, if that is nonsense.
    fn take(
        &mut self,
        worker: WorkerId,
        message: Message,
        queue: &mut Queue<Answer>,
        task: &str,
    ) -> Option<()> {
        let reply = message.parse().ok()?;
        if self.killed.contains(&worker) {
            return Some(()); // its last words: we treat it as dead already
        }
        let (mine, begun) = self.busy.get_mut(&worker)?;
        match reply {
            Reply::Began(part) if part == *mine => {
                self.voice.aside(worker, "begins", name(part));
                self.kill_if_asked(worker, part, task)
            }
            Reply::Digits(digits) => begun.push_str(&digits),
            Reply::Done { part, digits, last, seconds } if part == *mine => {
                begun.push_str(&digits);
                let Hex(number) = std::mem::take(begun).try_into().ok()?;
                self.voice.aside(worker, "is done with", name(part));
                queue.done(part, Answer { number, last });
                self.busy.remove(&worker);
                self.free.insert(worker);
                *self.worked.entry(worker).or_default() += seconds;
            }
            _ => return None,
        }
        Some(())
    }

    fn kill_if_asked(&mut self, worker: WorkerId, part: usize, task: &str) {
        if self.kills == 0 {
            return;
        }
        self.kills -= 1;
        let what = format!("in {} of {task}", name(part));
        self.voice.tell("primary", format!("kills {worker}"), what);
        self.killed.insert(worker);
        // It fails for a stranger's process only.
        let _ = self.primary.kill(worker, Signal::SIGKILL);
    }

    /// A worker has died. What it had in its hands goes out again.
    fn bury(
        &mut self,
        worker: WorkerId,
        exit: Exit,
        queue: &mut Queue<Answer>,
        task: &str,
    ) -> Outcome {
        self.voice.tell(worker, format!("{exit},"), "not asked");
        self.free.remove(&worker);
        let Some((part, _)) = self.busy.remove(&worker) else { return Ok(()) };
        let name = format!("{} of {task}", name(part));
        if self.killed.contains(&worker) {
            queue.put_back(part);
        } else if queue.lost(part).is_err() {
            return Err(given_up(&name, &exit.to_string()));
        }
        self.voice.tell("primary", "takes back", name);
        Ok(())
    }

    /// Asks all workers to leave, and waits until they have.
    pub(crate) fn dismiss(mut self) -> Result<Voice> {
        self.primary.disconnect_all();
        while let Some(event) = self.primary.next_event()? {
            match event {
                Event::Fork(worker) => {
                    // A replacement was on its way.
                    self.voice.forks(&self.primary, worker);
                    self.primary.disconnect(worker);
                }
                Event::Exit { worker, exit, voluntary } => {
                    let worked =
                        self.worked.get(&worker).copied().unwrap_or_default();
                    self.voice.tell(worker, "was busy for", text::ms(worked));
                    // Asked or not: by a signal nobody leaves by itself.
                    let asked = voluntary && exit.success();
                    let asked = if asked { "as asked" } else { "not asked" };
                    self.voice.tell(worker, format!("{exit},"), asked);
                }
                Event::Output(worker, line) => {
                    self.voice.tell(worker, "says:", line)
                }
                _ => {}
            }
        }
        Ok(self.voice)
    }
}

/// People count from 1.
fn name(part: usize) -> String {
    format!("part {}", part + 1)
}

pub(crate) fn given_up(part: &str, how: &str) -> Box<dyn std::error::Error> {
    let what = format!("{part} has ended {TRIES} workers ({how})");
    let advice = "nobody else gets it; a smaller task may need less memory";
    Failure::new(what, advice).into()
}

fn nobody_left() -> Failure {
    Failure::new("no worker is left", "run it again with --record FILE")
}
