//! The thread that ends a worker whose primary is gone.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::{Error, sys};

/// How long the program has to end by itself, once the primary is gone.
const GRACE: Duration = Duration::from_millis(500);

/// Sleeps until the channel closes or the primary's process ends, then ends this process with code
/// 0, as Node does, however busy the program is. Messages do not wake it: it waits for `POLLRDHUP`
/// only.
///
/// PR_SET_PDEATHSIG is no way to do this: it fires when the *thread* ends that forked the worker.
#[derive(Debug)]
pub(crate) struct Watcher {
    left: Arc<AtomicBool>,
}

impl Watcher {
    /// Watches the channel, and after this worker has closed it the primary's process.
    pub(crate) fn start(channel: Arc<OwnedFd>, primary: Option<OwnedFd>) -> Result<Watcher, Error> {
        let left = Arc::new(AtomicBool::new(false));
        let watcher = Watcher { left: Arc::clone(&left) };
        // The thread takes no signals. One that the program has blocked, to read it when it likes,
        // would otherwise be delivered here, and end the process; and a handler of the program's
        // would run on this small stack.
        let mask = SigSet::all()
            .thread_swap_mask(SigmaskHow::SIG_SETMASK)
            .map_err(|errno| Error::System { what: "block signals", source: errno.into() })?;
        let started = thread::Builder::new()
            .name("watcher".into())
            .stack_size(32 * 1024)
            .spawn(move || watch(&channel, primary.as_ref(), &left));
        mask.thread_set_mask()
            .map_err(|errno| Error::System { what: "unblock signals", source: errno.into() })?;
        started.map_err(|source| Error::System { what: "start the watcher thread", source })?;
        Ok(watcher)
    }

    /// This worker closes its channel itself, now: that is no sign that the primary is gone.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::Release);
    }
}

fn watch(channel: &OwnedFd, primary: Option<&OwnedFd>, left: &AtomicBool) {
    wait_for(channel, PollFlags::RDHUP);
    if left.load(Ordering::Acquire) {
        let Some(primary) = primary else { return };
        wait_for(primary, PollFlags::IN);
    }
    // The program may be about to end by itself, with the code that it wants. It has until then.
    thread::sleep(GRACE);
    sys::exit_now(0)
}

fn wait_for(fd: &OwnedFd, what: PollFlags) {
    let mut fds = [PollFd::from_borrowed_fd(fd.as_fd(), what)];
    while fds[0].revents().is_empty() {
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            // No memory is no sign that the primary is gone.
            Err(_) => thread::sleep(GRACE),
        }
    }
}
