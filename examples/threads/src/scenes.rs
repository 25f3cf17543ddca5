//! The files, and the mishaps.

use std::path::{Path, PathBuf};

use cluster::{Event, WorkerId};
use narrator::Outcome;

use crate::crew::Arrangement;
use crate::mishap::Mishap;
use crate::report::Left;
use crate::task::{FILES, Task};
use crate::worker::Order;
use crate::{Play, Result, lost, report};

impl Play {
    pub(crate) fn make_files(&mut self) -> Result<(WorkerId, PathBuf)> {
        let keeper = self.primary.fork()?;
        self.story.tell("primary", "forks", keeper);
        self.primary.send(keeper, Order::KeepFiles)?;
        loop {
            match self.primary.next_event()? {
                Some(Event::Message(_, folder)) => {
                    let files = format!("{FILES} files, of 128 KiB each");
                    self.story.tell(keeper, "makes", files);
                    return Ok((keeper, folder.parse()?));
                }
                Some(Event::Output(_, line)) => return lost(line),
                Some(Event::Exit { exit, .. }) => {
                    return lost(format!("{keeper} {exit}"));
                }
                _ => {}
            }
        }
    }

    pub(crate) fn remove_files(
        &mut self,
        keeper: WorkerId,
        folder: &Path,
    ) -> Outcome {
        self.story.tell("primary", "disconnects", keeper);
        self.dismiss(&[keeper])?;
        if folder.exists() {
            return lost(format!("{} is still there", folder.display()));
        }
        self.story.tell(keeper, "is gone, and so are the files", "");
        Ok(())
    }

    /// One task goes wrong, in each arrangement. What is left?
    pub(crate) fn go_wrong(
        &mut self,
        mishap: Mishap,
        crews: &[Arrangement],
    ) -> Result<Vec<Left>> {
        let tasks = self.hands;
        let one = format!("one of {tasks} tasks {}", mishap.told());
        self.story.tell("primary", "lets", one);
        crews.iter().map(|&crew| self.go_wrong_in(mishap, crew)).collect()
    }

    fn go_wrong_in(
        &mut self,
        mishap: Mishap,
        arrangement: Arrangement,
    ) -> Result<Left> {
        let (mut crew, before) = self.hire(arrangement)?;
        let mut tasks = vec![Task::Primes(0..1000); self.hands];
        tasks[0] = Task::GoWrong(mishap);
        let returned = self.give(&crew, &tasks)?;
        let (done, of) = (returned.tasks, tasks.len());
        for (worker, exit) in returned.died {
            match mishap {
                Mishap::Abort => {
                    self.story.tell(worker, format!("{exit},"), "not asked");
                }
                // Not so in every language: what comes of it has a margin.
                _ => self.story.show(report::aside(worker, exit)),
            }
        }
        if mishap == Mishap::Abort {
            let has = format!("{done} of {of} tasks done by {arrangement}");
            self.story.tell("primary", "has", has);
        }
        let mut leaked = 0;
        if mishap == Mishap::Leak {
            if crew.workers.len() > 1 {
                // Threads end with their tasks. Let this process end, too.
                self.dismiss(&crew.workers[..1])?;
                crew.workers[0] = self.primary.fork()?;
            }
            let after = self.give_all(&crew, &[])?.cost;
            leaked = after.pss.saturating_sub(before.pss);
        }
        self.dismiss(&crew.workers)?;
        Ok(Left { done, of, leaked })
    }
}
