//! Reaping: takes the exit status of those that have ended, and what they left behind.

use std::os::fd::AsFd;
use std::time::Instant;

use nix::sys::wait::{Id, WaitPidFlag, waitid as wait_for_any, waitpid};
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::{Event, Primary, signals};
use crate::channel::Filled;
use crate::{Error, Exit, Signal, WorkerId};

/// How many strangers are reaped in one turn of the loop.
const STRANGERS_AT_ONCE: usize = 64;

impl Primary {
    /// Also reaps children that are no workers of this primary, as process 1 of a container must:
    /// orphans become its children, and stay as zombies until somebody asks for their exit status.
    /// Off at first. It takes the exit status of *every* child, also of those that this program
    /// starts with [`std::process::Command`].
    ///
    /// # Errors
    /// [`Error::System`] when the system has no descriptor left.
    pub fn reap_strangers(&mut self, reap: bool) -> Result<(), Error> {
        self.children = reap.then(|| signals::signalfd(&[Signal::SIGCHLD])).transpose()?;
        if reap {
            self.reap_all_strangers(); // those that ended before
        }
        Ok(())
    }

    /// Some child has ended.
    pub(super) fn reap_all_strangers(&mut self) {
        if let Some(children) = &self.children {
            while signals::read(children).is_some() {}
        }
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        for _ in 0..STRANGERS_AT_ONCE {
            let Some(pid) = wait_for_any(Id::All, flags).ok().and_then(|status| status.pid())
            else {
                return;
            };
            let number = pid.as_raw().unsigned_abs();
            let ours = self.workers.iter().find(|(_, it)| it.pid == number && !it.is_reaped());
            match ours.map(|(&worker, _)| worker) {
                Some(worker) => self.reap(worker),
                // Nobody else waits for it: `waitid` has just said that it is there.
                None => drop(waitpid(pid, Some(WaitPidFlag::WNOHANG))),
            }
        }
        self.strangers_left = true; // their signals may have come as one, and that is read
    }

    /// Takes the exit status of a worker, if it has ended, and tells first what it left behind.
    pub(super) fn reap(&mut self, worker: WorkerId) {
        let Some(child) = self.workers.get(&worker).filter(|child| !child.is_reaped()) else {
            return;
        };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let exit = match waitid(WaitId::PidFd(child.pidfd.as_fd()), options) {
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Exit::Code(code),
                (None, signal) => Exit::from_signal(signal.unwrap_or_default()),
            },
            Ok(None) | Err(Errno::INTR) => return,
            // Somebody else in this process waits for children, whichever they are; or the system
            // gives another reason not to say.
            Err(_) => Exit::Unknown,
        };
        self.read_the_rest(worker);
        let Some(child) = self.workers.get_mut(&worker) else { return };
        child.ended_at = Some(Instant::now());
        let voluntary = child.parts();
        self.news.push_back(Event::Exit { worker, exit, voluntary });
        if let Some(ending) = &mut self.ending {
            // Whatever code such a worker ends with, it is the code of one that left.
            let left = exit.success() || (child.turned_away && matches!(exit, Exit::Code(_)));
            ending.gone(worker, if left { None } else { Some(exit) });
        }
        self.tell_if_stopped();
    }

    /// What a dead worker wrote is still in its socket and pipes. Whoever else may hold the other
    /// ends (a program that the worker started) is not waited for, and may go on writing: only what
    /// is there now is read.
    fn read_the_rest(&mut self, worker: WorkerId) {
        let mut there = self.channel(worker).map_or(0, |channel| channel.bytes_waiting());
        while let Some(channel) = self.channel(worker).filter(|_| there > 0) {
            let filled = channel.fill();
            there = there.saturating_sub(channel.bytes_read());
            self.hear(worker);
            if filled != Ok(Filled::Data) {
                break;
            }
        }
        if let Some(child) = self.workers.get_mut(&worker) {
            let outputs = child.outputs.iter_mut().filter_map(Option::take);
            let lines = outputs.flat_map(|output| output.what_is_there());
            self.news.extend(lines.map(|line| Event::Output(worker, line)));
        }
        self.channel_closed(worker);
    }
}
