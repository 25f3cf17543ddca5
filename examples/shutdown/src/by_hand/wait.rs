//! What the primary waits for: a signal, news of its workers, a deadline.

use std::io::Read;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use cluster::Exit;
use narrator::Outcome;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use os_pipe::PipeReader;

use super::{Play, worker};
use crate::worker::wait_for;
use crate::{Result, STUBBORN, lost};

impl Play {
    /// Sleeps until something is ready, hears what workers say, and tells
    /// whether the signal has come.
    pub(super) fn wait(
        &mut self,
        signals: Option<&PipeReader>,
        patience: Duration,
    ) -> Result<bool> {
        let news = self.children.iter().map(|child| &child.news);
        let mut fds: Vec<PollFd> = news
            .chain(signals)
            .map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN))
            .collect();
        wait_for(&mut fds, patience)?;
        let ready = |fd: &PollFd| fd.any().unwrap_or(false);
        let ready: Vec<bool> = fds.iter().map(ready).collect();
        let children = self.children.len();
        // Backwards: whoever has ended leaves the list.
        for at in (0..children).rev().filter(|&at| ready[at]) {
            self.hear(at)?;
        }
        Ok(ready.get(children) == Some(&true))
    }

    /// Hears the youngest worker, until it says this.
    pub(super) fn hear_until(&mut self, expected: u8) -> Outcome {
        let youngest = self.children.len() - 1;
        loop {
            match self.hear(youngest)? {
                Some(news) if news == expected => return Ok(()),
                Some(_) => {}
                None => return lost("a worker is gone"),
            }
        }
    }

    /// One piece of news; `None`: the worker has ended.
    fn hear(&mut self, at: usize) -> Result<Option<u8>> {
        let child = &mut self.children[at];
        let mut news = [0];
        if child.news.read(&mut news)? == 0 {
            self.bury(at)?;
            return Ok(None);
        }
        let name = &child.name;
        match news[0] {
            worker::LISTENS => {}
            worker::BEGINS => {
                child.begun += 1;
                self.story.tell(name, "begins to read a request", "");
            }
            worker::ANSWERED => child.answered += 1,
            worker::HAS_SERVED => {
                let tally = format!("{} of {}", child.answered, child.begun);
                self.story.tell(name, "has answered", tally);
            }
            _ => self.story.tell(name, "says:", "SIGTERM? Not now."),
        }
        Ok(Some(news[0]))
    }

    fn bury(&mut self, at: usize) -> Outcome {
        let child = self.children.remove(at);
        let exit = host::ended(waitpid(child.pid, None)?);
        let why = host::why(exit, self.until_then.is_none());
        self.story.tell(&child.name, format!("{exit},"), why);
        let by_us = self.pushed.filter(|it| exit == Exit::Signal(*it));
        match by_us {
            _ if exit.success() => {}
            Some(Signal::SIGKILL) => self.killed.push(child.name),
            Some(_) => self.warned.push(child.name),
            None => self.died.push(child.name),
        }
        Ok(())
    }

    pub(super) fn wait_for_workers(&mut self, grace: Duration) -> Outcome {
        let terminate = Instant::now() + grace;
        let kill_at = terminate + grace.min(Duration::from_secs(1));
        for (deadline, push) in
            [(terminate, Signal::SIGTERM), (kill_at, Signal::SIGKILL)]
        {
            while !self.children.is_empty() && Instant::now() < deadline {
                let left = deadline.saturating_duration_since(Instant::now());
                self.wait(None, left)?;
            }
            self.pushed = Some(push);
            for child in &self.children {
                kill(child.pid, push)?;
            }
        }
        while !self.children.is_empty() {
            self.wait(None, worker::PATIENCE)?;
        }
        let Play { killed, warned, died, .. } = &*self;
        let trouble = host::who_did_not_leave(killed, warned, died);
        host::tell_stopped(&self.story, trouble.as_deref());
        // Who is stubborn has to be killed, and nobody else.
        let stubborn = died.is_empty()
            && warned.is_empty()
            && *killed == [format!("worker {STUBBORN}")];
        match trouble {
            Some(trouble) if !(self.stubborn && stubborn) => lost(trouble),
            _ => Ok(()),
        }
    }
}
