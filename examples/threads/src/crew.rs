//! A crew: as many hands as the others, otherwise arranged.

use std::fmt::{self, Display};
use std::time::{Duration, Instant};

use cluster::{Event, Exit, WorkerId};
use host::Ends;
use narrator::Outcome;

use crate::proc::Cost;
use crate::task::Task;
use crate::worker::{Done, Order};
use crate::{Play, Result, lost};

/// How many processes, and how many threads in each of them do the work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrangement {
    pub(crate) processes: usize,
    pub(crate) threads: usize,
}

impl Arrangement {
    // ANCHOR: arrangements
    /// One thread, a pool of threads, workers.
    pub(crate) fn three(hands: usize) -> [Arrangement; 3] {
        [
            Arrangement { processes: 1, threads: 1 },
            Arrangement { processes: 1, threads: hands },
            Arrangement { processes: hands, threads: 1 },
        ]
    }
    // ANCHOR_END: arrangements
}

impl Display for Arrangement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match (self.processes, self.threads) {
            (1, 1) => "one thread".to_owned(),
            (1, threads) => format!("{threads} threads"),
            (workers, _) => format!("{workers} workers"),
        })
    }
}

pub(crate) struct Crew {
    pub(crate) workers: Vec<WorkerId>,
    threads: usize,
}

/// What comes back when a crew was given tasks.
#[derive(Default)]
pub(crate) struct Returned {
    pub(crate) tasks: usize,
    pub(crate) result: u64,
    pub(crate) cost: Cost,
    pub(crate) took: Duration,
    pub(crate) died: Vec<(WorkerId, Exit)>,
    pub(crate) last_words: Vec<(WorkerId, String)>,
}

impl Play {
    /// Forks the workers, and waits until each has answered once.
    pub(crate) fn hire(&mut self, crew: Arrangement) -> Result<(Crew, Cost)> {
        let forks = (0..crew.processes).map(|_| self.primary.fork());
        let workers = forks.collect::<std::result::Result<_, _>>()?;
        let crew = Crew { workers, threads: crew.threads };
        let cost = self.give_all(&crew, &[])?.cost;
        Ok((crew, cost))
    }

    /// Gives each worker its share, and waits until each has answered or died.
    pub(crate) fn give(
        &mut self,
        crew: &Crew,
        tasks: &[Task],
    ) -> Result<Returned> {
        let start = Instant::now();
        let count = crew.workers.len();
        for (at, &worker) in crew.workers.iter().enumerate() {
            let tasks: Vec<Task> =
                tasks.iter().skip(at).step_by(count).cloned().collect();
            self.draw("primary", &format!("gives {worker}"), tasks.len());
            let order = Order::Work { tasks, threads: crew.threads };
            self.primary.send(worker, order)?;
        }
        let mut returned = Returned::default();
        let mut waiting = crew.workers.clone();
        while !waiting.is_empty() {
            match self.primary.next_event()? {
                Some(Event::Message(worker, answer)) => {
                    let done: Done = answer.parse()?;
                    self.draw(worker, "does", done.tasks);
                    returned.add(done);
                    waiting.retain(|&it| it != worker);
                }
                Some(Event::Exit { worker, exit, .. }) => {
                    returned.died.push((worker, exit));
                    waiting.retain(|&it| it != worker);
                }
                event => returned.take_note(event)?,
            }
        }
        returned.took = start.elapsed();
        Ok(returned)
    }

    /// For the picture: who gives, or does, so many tasks.
    fn draw(&self, actor: impl Display, deed: &str, tasks: usize) {
        if tasks > 0 {
            let plural = if tasks == 1 { "" } else { "s" };
            self.story.aside(actor, deed, format!("{tasks} task{plural}"));
        }
    }

    /// The same, where nobody may die.
    pub(crate) fn give_all(
        &mut self,
        crew: &Crew,
        tasks: &[Task],
    ) -> Result<Returned> {
        let returned = self.give(crew, tasks)?;
        let Some((worker, exit)) = returned.died.first() else {
            return Ok(returned);
        };
        let words = returned.last_words.iter().map(|(_, words)| words.as_str());
        let words = words.collect::<Vec<_>>().join(" ");
        lost(format!("{worker} {exit}, not asked: {words}"))
    }

    /// Asks workers to leave, and waits until they are gone.
    pub(crate) fn dismiss(&mut self, workers: &[WorkerId]) -> Outcome {
        for &worker in workers {
            self.primary.disconnect(worker);
        }
        let mut ends = Ends::default();
        while self.primary.workers().any(|it| workers.contains(&it)) {
            match self.primary.next_event()? {
                Some(Event::Exit { worker, exit, voluntary }) => {
                    ends.note(worker, exit, voluntary);
                }
                event => Returned::default().take_note(event)?,
            }
        }
        Ok(ends.outcome()?)
    }
}

impl Returned {
    fn add(&mut self, done: Done) {
        self.tasks += done.tasks;
        self.result = self.result.wrapping_add(done.result);
        self.cost = self.cost.and(done.cost);
    }

    fn take_note(&mut self, event: Option<Event>) -> Outcome {
        match event {
            Some(Event::Output(worker, line)) if !line.trim().is_empty() => {
                self.last_words.push((worker, line));
            }
            Some(Event::Error(worker, error)) => {
                return lost(format!("{worker}: {error}"));
            }
            Some(_) => {}
            None => return lost("no worker is left"),
        }
        Ok(())
    }
}
