//! A worker: tiny_http on the socket that all workers share.

use std::io::Write;
use std::net::SocketAddr;
use std::panic::{self, PanicHookInfo};
use std::process;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use cluster::{Error, Listen, Worker, WorkerEvent};
use narrator::Outcome;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tiny_http::Server;

use crate::desk::Desk;
use crate::messages::{FromWorker, ToWorker};

/// How many requests a worker answers at once.
const THREADS: usize = 32;
/// So long all of them may be stuck: with clients who do not send, say.
const STUCK: Duration = Duration::from_secs(8);

/// How often a worker looks after itself, and how long after a request.
const ROUND: Duration = Duration::from_millis(250);
const LIVELY: Duration = Duration::from_secs(3);

/// How many descriptors a worker has, if nobody says otherwise. tiny_http takes
/// two of them, and a thread, for each connection.
pub const DESCRIPTORS: u64 = 1024;

// ANCHOR: serve
/// Serves where all workers serve, until the primary asks for the end.
///
/// # Errors
/// Why it cannot serve any more.
pub fn serve(
    mut me: Worker,
    address: impl Into<SocketAddr>,
    descriptors: u64,
) -> Outcome {
    limit(descriptors)?;
    // ANCHOR: socket
    let listen = Listen::from(address.into()).blocking();
    let socket = match me.listen(listen).and_then(|it| Ok(it.into_std()?)) {
        Ok(socket) => socket,
        Err(Error::Leaving | Error::PrimaryGone) => return Ok(()),
        Err(error) => return Err(explain(error)),
    };
    // ANCHOR_END: socket
    panic::set_hook(Box::new(end_with_the_accept_thread));
    let server = Server::from_listener(socket, None)
        .map_err(|error| format!("tiny_http does not start: {error}"))?;
    let desk = Arc::new(Desk::new(server, me.clone()));
    for _ in 0..THREADS {
        let desk = Arc::clone(&desk);
        thread::Builder::new().spawn(move || desk.attend())?;
    }
    listen_to_the_primary(&mut me, &desk) // never drops the `Server`
}
// ANCHOR_END: serve

// ANCHOR: listen
fn listen_to_the_primary(me: &mut Worker, desk: &Desk) -> Outcome {
    let (mut since, mut taken) = (Instant::now(), 0);
    let (mut round, mut lively) = (Instant::now() + ROUND, Instant::now());
    while since.elapsed() < STUCK {
        match me.next_event_before(round)? {
            Some(WorkerEvent::Message(message)) => match message.parse() {
                Ok(ToWorker::Count { question }) => {
                    let count = desk.taken.load(SeqCst);
                    // If it cannot be said, the primary does without.
                    let _ = me.send(FromWorker::Requests { question, count });
                }
                Ok(ToWorker::Status { request, status }) => {
                    desk.status_is_here(request, status);
                }
                Err(_) => {} // no primary of ours says such a thing
            },
            Some(WorkerEvent::Disconnect) => {
                desk.drain();
                return Ok(());
            }
            Some(_) => {}
            None => return Ok(()), // the primary is gone
        }
        if Instant::now() < round {
            continue;
        }
        round = Instant::now() + ROUND;
        let now = desk.taken.load(SeqCst);
        if now > taken {
            lively = Instant::now();
        }
        if lively.elapsed() < LIVELY {
            desk.nudge();
        }
        if desk.busy.load(SeqCst) < THREADS || now > taken {
            (since, taken) = (Instant::now(), now);
        }
    }
    Err(format!("all {THREADS} threads are stuck").into())
}
// ANCHOR_END: listen

// ANCHOR: panic
/// A thread of tiny_http panics. If it is the one that accepts, this process
/// looks healthy and is deaf: better dead, and replaced.
fn end_with_the_accept_thread(panic: &PanicHookInfo<'_>) {
    let file = panic.location().map_or("", |place| place.file());
    if file.contains("tiny_http") && file.ends_with("client.rs") {
        return; // a client left before it was asked its address; no harm done
    }
    let payload = panic.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or(payload.downcast_ref::<&str>().copied());
    die(text.unwrap_or("a thread panicked"))
}
// ANCHOR_END: panic

/// The last words, and the end.
pub(crate) fn die(last_words: &str) -> ! {
    // If nobody hears them, it ends all the same.
    let _ = writeln!(std::io::stderr(), "{last_words}");
    process::exit(1)
}

/// Descriptors bound what idle clients can cost; a crash writes no core file.
fn limit(descriptors: u64) -> Outcome {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    // Upwards, too: the primary's own limit may be low at this moment.
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(descriptors), hard)?;
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, 0, hard)?;
    Ok(())
}

fn explain(error: Error) -> Box<dyn std::error::Error> {
    match &error {
        Error::NotShared(_) | Error::Blocking { .. } => {
            "this worker needs a primary of ours: tiny_http waits in accept, \
             and on this one's socket it cannot; `scheduling` can"
                .into()
        }
        _ if host::is_taken(&error) => host::advise(&error).into(),
        _ => error.into(),
    }
}
