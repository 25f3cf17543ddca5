//! The worker: a thread for each visitor, and an end that all of them hear of.

use std::io::{self, PipeReader};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cluster::{Error, Signal, Worker};
use narrator::Outcome;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use serde::{Deserialize, Serialize};
use visitors::{Guest, Request, Response};

use crate::{Args, STUBBORN};

/// How long a request may take to arrive, and how long a visitor who stays may
/// say nothing.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest work that anybody may bring.
const MOST_WORK: Duration = Duration::from_secs(5);

/// What a worker tells its primary.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum News {
    /// It has read the first bytes of a request.
    Begins,
    /// How many requests it began to read, and how many of them it answered.
    Answered { begun: usize, answered: usize },
}

#[derive(Default)]
struct Tally {
    begun: AtomicUsize,
    answered: AtomicUsize,
}

pub(crate) fn serve(mut me: Worker, args: &Args) -> Outcome {
    let stubborn = args.stubborn && me.id().get() == STUBBORN;
    let warning = SigSet::from(Signal::SIGTERM);
    if stubborn {
        warning.thread_block()?; // here, and in each thread that starts here
    }
    let port = if args.stay { args.port } else { 0 };
    let listener = match me.listen(format!("127.0.0.1:{port}")) {
        Err(Error::Leaving) => return Ok(()), // asked before it could begin
        listener => listener.map_err(|error| host::advise(&error))?,
    };
    let tally = Tally::default();
    let (the_end, until_then) = io::pipe()?;
    thread::scope(|scope| -> Outcome {
        let until_then = until_then; // closed however this ends
        // ANCHOR: serve
        while let Some(visitor) = listener.accept()? {
            let attend = || attend(&me, visitor, &the_end, &tally);
            // No thread left: this visitor is sent away, the others stay.
            let _ = thread::Builder::new().spawn_scoped(scope, attend);
        }
        drop(until_then); // the primary wants the end: everybody sees it
        // ANCHOR_END: serve
        Ok(())
    })?; // and here everybody has finished
    let [begun, answered] =
        [tally.begun, tally.answered].map(AtomicUsize::into_inner);
    say(&me, News::Answered { begun, answered });
    match stubborn {
        false => Ok(()),
        true => loop {
            warning.wait()?; // SIGTERM is blocked, so it ends nobody
            eprintln!("SIGTERM? Not now.");
        },
    }
}

/// Serves one visitor, until it leaves, or has no request under way at the end.
fn attend(
    me: &Worker,
    visitor: TcpStream,
    the_end: &PipeReader,
    tally: &Tally,
) {
    let mut guest = Guest::new(visitor);
    while has_begun_before(the_end, &mut guest, PATIENCE).unwrap_or(false) {
        say(me, News::Begins);
        tally.begun.fetch_add(1, Ordering::Relaxed);
        let request = match guest.next_request(PATIENCE) {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(refusal) => return guest.refuse(&refusal),
        };
        // As long as a computation would take.
        thread::sleep(work(&request));
        let stays = request.keep_alive && !is_here(the_end);
        if guest.answer(&answer(me.id().get(), stays)).is_err() {
            return; // nobody takes it
        }
        tally.answered.fetch_add(1, Ordering::Relaxed);
        if !stays {
            return;
        }
    }
}

/// Whether the guest has begun a request. If so, it is served, end or no end.
pub(crate) fn has_begun_before(
    the_end: &impl AsFd,
    guest: &mut Guest,
    patience: Duration,
) -> io::Result<bool> {
    if guest.has_begun() {
        return Ok(true); // together with the one before
    }
    let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
    // ANCHOR: ready
    let mut fds = [readable(guest.as_fd()), readable(the_end.as_fd())];
    wait_for(&mut fds, patience)?;
    // Both may be ready: then the guest comes first.
    if fds[0].any() == Some(true) { guest.hear() } else { Ok(false) }
    // ANCHOR_END: ready
}

/// poll(2), for all of that time: every signal with a handler interrupts it,
/// also one that the worker leaves to its primary.
pub(crate) fn wait_for(
    fds: &mut [PollFd],
    patience: Duration,
) -> nix::Result<()> {
    let end = Instant::now() + patience;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match poll(fds, left.try_into().unwrap_or(PollTimeout::MAX)) {
            Err(Errno::EINTR) => {}
            ready => return ready.map(drop),
        }
    }
}

/// Whether this is readable, now.
pub(crate) fn is_here(the_end: &impl AsFd) -> bool {
    let mut fds = [PollFd::new(the_end.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// An answer that says whose it is, and whether another may be asked for.
pub(crate) fn answer(worker: u32, stays: bool) -> Response {
    let response = Response::text(200, format!("worker {worker}\n"))
        .header("X-Worker", worker);
    if stays { response } else { response.close() }
}

/// How long the work takes that `/work?ms=300` brings.
pub(crate) fn work(request: &Request) -> Duration {
    let time = request.path.strip_prefix("/work?ms=");
    let time = time.and_then(|time| time.parse().ok()).unwrap_or_default();
    Duration::from_millis(time).min(MOST_WORK)
}

/// For the primary's story only: without a primary, nobody misses it.
fn say(me: &Worker, news: News) {
    let _ = me.send(news);
}
