//! The same story on bare system calls: fork(2), two pipes for each worker, and
//! poll(2) to hear whoever speaks first. What is said is the same.
//!
//! `cargo run -p main-runner -- calculate --by-hand`

mod child;

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::time::Instant;

use host::Ends;
use narrator::{Failure, Outcome, Story};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork, getpid};
use os_pipe::pipe;

use crate::kernel::{Answer, Work};
use crate::queue::Queue;
use crate::report::{self, Done};
use crate::task::Task;
use crate::worker::Request;
use crate::{Args, Result, crew, text};
use child::Child;

/// After so many forks something is wrong with the workers, not with a part.
const MOST_FORKS: usize = 100;

struct Crew {
    story: Story,
    children: Vec<Child>,
    forked: usize,
    poison: Option<usize>,
}

pub(crate) fn run(args: &Args, tasks: Vec<Task>) -> Outcome {
    // A story by hand has no thread: a thread would be missing in the child.
    let story = Story::by_hand(&args.telling)?;
    let (children, poison) = (Vec::new(), args.poison);
    let mut crew = Crew { story, children, forked: 0, poison };
    let workers = args.workers.into();
    for _ in 0..workers {
        crew.start()?;
    }
    let mut all = Vec::new();
    for task in tasks {
        let parts = task.split(workers);
        let share = report::share(&task, &parts);
        crew.story.tell("primary", "shares out", share);
        let alone = match args.words.is_empty() && workers > 1 {
            true => Some(crew.compute(&task, &parts, 1)?.1),
            false => None,
        };
        let (answer, together) = crew.compute(&task, &parts, workers)?;
        let done = Done::new(task, answer, alone, together);
        crew.story.tell("primary", "puts together", done.result());
        all.push(done);
    }
    let (story, ends) = crew.dismiss()?;
    if args.words.is_empty() {
        story.show(report::table(&all));
    }
    story.tell("primary", report::verdict(&all, workers), "");
    Ok(ends.outcome()?)
}

impl Crew {
    fn start(&mut self) -> Outcome {
        let (requests, to) = pipe()?; // the read end, the write end
        let (from, replies) = pipe()?;
        let primary = getpid();
        self.forked += 1;
        let name = format!("worker {}", self.forked);
        // SAFETY: no other thread runs, whose locks the child would inherit.
        #[allow(unsafe_code)]
        match unsafe { fork()? } {
            ForkResult::Parent { child: pid } => {
                self.story.meet(&name, pid.as_raw().unsigned_abs());
                self.story.tell("primary", "forks", &name);
                self.children.push(Child::new(name, pid, to, from));
                Ok(()) // the worker's ends are closed here
            }
            ForkResult::Child => {
                // The primary's ends were copied, too, for this worker and for
                // those before. A pipe ends when *all* write ends are closed.
                drop((to, from));
                self.children.clear();
                child::live(primary, requests, replies, self.poison)
            }
        }
    }

    fn compute(
        &mut self,
        task: &Task,
        parts: &[Work],
        at_once: usize,
    ) -> Result<(Answer, f64)> {
        let start = Instant::now();
        let mut queue = Queue::new(parts.len());
        while !queue.is_done() {
            self.hand_out(parts, &mut queue, at_once)?;
            // From behind, because who has died leaves the list.
            for at in self.who_speaks()?.into_iter().rev() {
                self.hear(at, &mut queue, task)?;
            }
        }
        let answer = task.put_together(queue.into_answers());
        Ok((answer, start.elapsed().as_secs_f64()))
    }

    fn hand_out(
        &mut self,
        parts: &[Work],
        queue: &mut Queue<Answer>,
        at_once: usize,
    ) -> Outcome {
        let busy = self.children.iter().filter(|it| it.part.is_some()).count();
        let free = self.children.iter_mut().filter(|it| it.part.is_none());
        for child in free.take(at_once.saturating_sub(busy)) {
            let Some(part) = queue.take() else { break };
            let request = Request { part, work: parts[part].clone() };
            // Who is dead does not take it. The end of its pipe will say so.
            let _ = child.to.write_all(&child::line(&request)?);
            child.part = Some(part);
        }
        Ok(())
    }

    /// Waits until somebody has written something, or is dead.
    fn who_speaks(&self) -> Result<Vec<usize>> {
        // ANCHOR: poll
        let pipes = self.children.iter().map(|child| child.from.as_fd());
        let mut pipes: Vec<PollFd> =
            pipes.map(|pipe| PollFd::new(pipe, PollFlags::POLLIN)).collect();
        match poll(&mut pipes, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        // ANCHOR_END: poll
        let ready = pipes.iter().enumerate();
        let ready = ready.filter(|(_, pipe)| pipe.any().unwrap_or(false));
        Ok(ready.map(|(at, _)| at).collect())
    }

    fn hear(
        &mut self,
        at: usize,
        queue: &mut Queue<Answer>,
        task: &Task,
    ) -> Outcome {
        let child = &mut self.children[at];
        let mut block = [0; 64 * 1024]; // as much as a pipe holds
        let length = child.from.read(&mut block)?;
        if length == 0 {
            return self.bury(at, queue, task);
        }
        for reply in child.understand(&block[..length])? {
            if let Some((part, answer)) = child.answer(reply)? {
                queue.done(part, answer);
            }
        }
        Ok(())
    }

    /// The end of its pipe: the worker is dead, and another one is forked.
    fn bury(
        &mut self,
        at: usize,
        queue: &mut Queue<Answer>,
        task: &Task,
    ) -> Outcome {
        let Child { name, pid, part, .. } = self.children.remove(at);
        let exit = host::ended(waitpid(pid, None)?);
        let why = host::why(exit, false);
        self.story.tell(&name, format!("{exit},"), why);
        if let Some(part) = part {
            let what = format!("part {} of {task}", part + 1);
            let given_up = |_| crew::given_up(&what, &exit.to_string());
            queue.lost(part).map_err(given_up)?;
            self.story.tell("primary", "takes back", what);
        }
        if self.forked == MOST_FORKS {
            let what = format!("worker {MOST_FORKS} has died, like others");
            return Err(Failure::new(what, "see above how they died").into());
        }
        self.start()
    }

    fn dismiss(self) -> Result<(Story, Ends)> {
        let mut ends = Ends::default();
        for Child { name, pid, to, worked, .. } in self.children {
            drop(to); // the worker reads the end of its requests, and leaves
            let exit = host::ended(waitpid(pid, None)?);
            self.story.tell(&name, "was busy for", text::ms(worked));
            ends.tell(&self.story, &name, exit, true)?;
        }
        Ok((self.story, ends))
    }
}
