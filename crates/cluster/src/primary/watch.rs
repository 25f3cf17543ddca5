//! What the primary waits for: one poll(2) over everything that may have news.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use super::Primary;
use super::switchboard::ListenerId;
use crate::eager::Eager;
use crate::{Error, WorkerId};

/// How many bytes of answers to its questions a worker may leave unread.
const MOST_ANSWERS: usize = 1024 * 1024;

/// Where news can come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Waker,
    Signals,
    /// Some child ended, perhaps none of ours.
    Children,
    Listener(ListenerId),
    /// One of a worker's standard streams.
    Output(WorkerId, usize),
    Channel(WorkerId),
    Process(WorkerId),
}

impl Primary {
    /// Sleeps until something is ready or due, and says what is ready, in the order in which it is
    /// to be looked at: what a worker wrote comes before its end.
    pub(super) fn wait_for_news(
        &self,
        eager: &mut Eager,
        deadline: Option<Instant>,
    ) -> Result<Vec<Source>, Error> {
        let timeout = self.next_due(deadline).map(crate::time_left);
        let (sources, mut fds) = self.watched();
        match eager.poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            // The limit of open files is below their number (EINVAL), or memory is short: poll(2).
            Err(Errno::INVAL | Errno::NOMEM) => {
                if !poll_in_pieces(&mut fds, timeout) {
                    return Ok(sources); // nobody says what is ready: all of it is looked at
                }
            }
            Err(errno) => return Err(Error::system("wait for events")(errno)),
        }
        let ready = sources.iter().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty());
        Ok(ready.map(|(source, _)| *source).collect())
    }

    /// When to wake although nothing happens.
    fn next_due(&self, deadline: Option<Instant>) -> Option<Instant> {
        let orphans =
            self.switchboard.orphaned_by().filter_map(|crashed| self.hope_after(crashed)).min();
        deadline
            .into_iter()
            .chain(self.ending_due())
            .chain(self.fork_due())
            .chain(self.switchboard.due())
            .chain(self.reserve.due())
            .chain(orphans)
            .chain(self.strangers_left.then(Instant::now))
            .min()
    }

    fn watched(&self) -> (Vec<Source>, Vec<PollFd<'_>>) {
        let room = 3 + 3 * self.workers.len();
        let mut watched =
            Watched { sources: Vec::with_capacity(room), fds: Vec::with_capacity(room) };
        watched.add(Source::Waker, self.waker.as_fd(), PollFlags::IN);
        if let Some((signals, _)) = &self.signals {
            watched.add(Source::Signals, signals.as_fd(), PollFlags::IN);
        }
        if let Some(children) = &self.children {
            watched.add(Source::Children, children.as_fd(), PollFlags::IN);
        }
        if !self.reserve.is_short() {
            for (id, socket) in self.switchboard.accepting() {
                watched.add(Source::Listener(id), socket.as_fd(), PollFlags::IN);
            }
        }
        for (&worker, child) in &self.workers {
            for (stream, output) in child.outputs.iter().enumerate() {
                if let Some(output) = output {
                    let pipe = output.pipe().as_fd();
                    watched.add(Source::Output(worker, stream), pipe, PollFlags::IN);
                }
            }
            if let Some(channel) = &child.channel {
                let mut wanted = PollFlags::empty();
                // Who asks and never reads the answers is not listened to any more: they would fill
                // our memory.
                wanted.set(PollFlags::IN, channel.outbox().internal_bytes() < MOST_ANSWERS);
                wanted.set(PollFlags::OUT, channel.wants_write());
                watched.add(Source::Channel(worker), channel.socket().as_fd(), wanted);
            }
            if !child.is_reaped() {
                watched.add(Source::Process(worker), child.pidfd.as_fd(), PollFlags::IN);
            }
        }
        (watched.sources, watched.fds)
    }
}

/// What poll(2) watches, and whose news each descriptor brings.
struct Watched<'a> {
    sources: Vec<Source>,
    fds: Vec<PollFd<'a>>,
}

impl<'a> Watched<'a> {
    fn add(&mut self, source: Source, fd: BorrowedFd<'a>, wanted: PollFlags) {
        self.sources.push(source);
        self.fds.push(PollFd::from_borrowed_fd(fd, wanted));
    }
}

/// Looks at as many descriptors at a time as the limit of open files allows, until one has news or
/// the time is over. Between two looks it sleeps for a moment: a service that is starved goes on, a
/// little later. With a limit of zero poll(2) looks at none: false then, after that moment.
fn poll_in_pieces(fds: &mut [PollFd<'_>], timeout: Option<Timespec>) -> bool {
    const MOMENT: Duration = Duration::from_millis(5);
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let moment = Timespec::try_from(MOMENT).unwrap_or(at_once);
    let until = timeout
        .and_then(|timeout| Duration::try_from(timeout).ok())
        .and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let piece = usize::try_from(limit).unwrap_or(usize::MAX).clamp(1, fds.len().max(1));
        if limit == 0 {
            let _ = poll(&mut [], Some(&moment));
            return false;
        }
        let mut news = false;
        for piece in fds.chunks_mut(piece) {
            news |= matches!(poll(piece, Some(&at_once)), Ok(1..));
        }
        if news || until.is_some_and(|until| until <= Instant::now()) {
            return true;
        }
        let _ = poll(&mut [], Some(&moment)); // whatever ends it, we look again
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn news_are_found_in_whatever_piece_they_are() {
        let pairs: Vec<_> = (0..5).map(|_| UnixStream::pair().unwrap()).collect();
        (&pairs[4].1).write_all(b"x").unwrap();
        let mut fds: Vec<_> = pairs
            .iter()
            .map(|(fd, _)| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN))
            .collect();
        poll_in_pieces(&mut fds, None);
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        assert_eq!(ready, [false, false, false, false, true]);
    }

    #[test]
    fn without_news_it_ends_when_the_time_is_over() {
        let (one, _other) = UnixStream::pair().unwrap();
        let mut fds = [PollFd::from_borrowed_fd(one.as_fd(), PollFlags::IN)];
        let begun = Instant::now();
        poll_in_pieces(&mut fds, Some(Timespec { tv_sec: 0, tv_nsec: 20_000_000 }));
        assert!(begun.elapsed() >= Duration::from_millis(20) && fds[0].revents().is_empty());
    }
}
