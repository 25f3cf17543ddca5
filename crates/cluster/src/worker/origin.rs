//! Which process is the primary, and what binds a worker to it.

use std::os::fd::OwnedFd;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::rest::is_no_room;
use crate::{Error, sys};

/// Which process is the primary.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// Who made the channel: the primary. 0: a process outside of this one's pid namespace.
    maker: Option<i32>,
    /// Who started this process: the primary, or a program in between, such as a shell. 0: as
    /// above.
    parent: i32,
}

impl Origin {
    /// Binds this process to its primary: takes signals as a worker does, and wakes when the
    /// primary ends, even if it was stopped (SIGSTOP). The end itself is the watcher's business.
    pub(super) fn follow(channel: &OwnedFd) -> Result<Origin, Error> {
        let maker = getsockopt(channel, PeerCredentials).ok().map(|peer| peer.pid());
        // SIGCONT and not SIGKILL: it comes also when the primary's *thread* ends that forked this
        // process, and does no harm then.
        rustix::process::set_parent_process_death_signal(Some(Signal::CONT))
            .map_err(Error::system("follow the primary"))?;
        let parent = rustix::process::getppid().map_or(0, Pid::as_raw_pid);
        let origin = Origin { maker, parent };
        if maker.is_some_and(|maker| maker != parent) && is_closed(channel) {
            // The primary ended before it was followed, and there is no program in between: nothing
            // will wake us again.
            sys::exit_now(0);
        }
        sys::leave_signals_to_primary([maker.unwrap_or(parent), parent])
            .map_err(|errno| Error::System { what: "handle signals", source: errno.into() })?;
        Ok(origin)
    }

    /// The primary, to be waited for. `None`: it is gone, or outside of this pid namespace.
    pub(super) fn open(self) -> Result<Option<OwnedFd>, Error> {
        let Some(pid) = Pid::from_raw(self.maker.unwrap_or(self.parent)) else { return Ok(None) };
        match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(process) => Ok(Some(process)),
            Err(errno) if is_no_room(errno) => Err(Error::system("watch the primary")(errno)),
            // It is gone, or a sandbox forbids to look: the channel says when it ends.
            Err(_) => Ok(None),
        }
    }
}

fn is_closed(channel: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(channel, PollFlags::RDHUP)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&at_once)).is_ok() && !fds[0].revents().is_empty()
}
