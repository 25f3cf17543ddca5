//! Where a worker's requests are answered, by several threads at once.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cluster::Worker;
use tiny_http::{Header, Method, Request, Response, Server};

use crate::head;
use crate::messages::{FromWorker, Status};

/// The longest time that `/slow` holds a request.
const MOST_SLOW: Duration = Duration::from_secs(5);
/// How long `/status` waits for the primary.
const PATIENCE: Duration = Duration::from_secs(2);
/// So long nobody has asked for anything: whoever had begun has been answered.
const QUIET: Duration = Duration::from_millis(50);

/// How many connections at once may get a thread that they have to share.
const NUDGES: usize = 8;

pub(crate) struct Desk {
    server: Server,
    me: Worker,
    /// How many requests have come, and how many are being answered.
    pub(crate) taken: AtomicU64,
    pub(crate) busy: AtomicUsize,
    questions: AtomicU64,
    /// Those for `/status` that wait for the primary.
    asking: Mutex<BTreeMap<u64, Sender<Status>>>,
}

/// What is answered.
struct Reply {
    status: u16,
    kind: &'static str,
    body: String,
}

impl Desk {
    pub(crate) fn new(server: Server, me: Worker) -> Desk {
        Desk {
            server,
            me,
            taken: AtomicU64::new(0),
            busy: AtomicUsize::new(0),
            questions: AtomicU64::new(0),
            asking: Mutex::default(),
        }
    }

    // ANCHOR: attend
    /// What each of the threads does.
    pub(crate) fn attend(&self) {
        loop {
            match self.server.recv() {
                Ok(request) => self.answer(request),
                Err(error) if is_the_end(&error) => {} // others still ask
                Err(error) => {
                    // tiny_http accepts nothing any more, for ever.
                    crate::worker::die(&format!("cannot accept: {error}"));
                }
            }
        }
    }
    // ANCHOR_END: attend

    // ANCHOR: nudge
    /// tiny_http gives a connection to a thread that waits. Two that come at
    /// once may be meant for the same thread, and then one lies in a queue
    /// until some other client leaves. Every connection that comes and goes
    /// makes a thread look into that queue.
    pub(crate) fn nudge(&self) {
        let Some(address) = self.server.server_addr().to_ip() else { return };
        for _ in 0..NUDGES {
            // If nobody takes it now there is enough to do anyway.
            let _ = TcpStream::connect_timeout(&address, QUIET);
        }
    }
    // ANCHOR_END: nudge

    // ANCHOR: drain
    /// Goes on while requests come on connections that are there already.
    pub(crate) fn drain(&self) {
        let end = Instant::now() + MOST_SLOW;
        let mut quiet = 0;
        while quiet < 2 && Instant::now() < end {
            let before = self.taken.load(SeqCst);
            if let Ok(Some(request)) = self.server.recv_timeout(QUIET) {
                self.answer(request);
            }
            let somebody =
                self.taken.load(SeqCst) > before || self.busy.load(SeqCst) > 0;
            quiet = if somebody { 0 } else { quiet + 1 };
        }
    }
    // ANCHOR_END: drain

    fn answer(&self, mut request: Request) {
        self.busy.fetch_add(1, SeqCst);
        self.taken.fetch_add(1, SeqCst);
        let reply = self.reply(&mut request);
        let number = self.me.id().get().to_string();
        // It fails when whoever asked is gone: nobody is left to be told.
        let _ = match self.me.is_leaving() {
            true => reply.say_and_close(&number, request),
            false => request.respond(reply.response(&number)),
        };
        self.busy.fetch_sub(1, SeqCst);
    }

    fn reply(&self, request: &mut Request) -> Reply {
        if let Some(status) = head::refusal(request) {
            return Reply::error(status);
        }
        let (path, query) = match request.url().split_once('?') {
            Some((path, query)) => (path, query),
            None => (request.url(), ""),
        };
        let asks = matches!(request.method(), Method::Get | Method::Head);
        match path {
            "/" | "/slow" | "/crash" | "/status" if !asks => Reply::error(405),
            "/" => self.name(),
            "/crash" => std::process::abort(),
            "/status" => self.status(),
            "/slow" => match milliseconds(query) {
                Some(time) => {
                    // As long as a database would take.
                    thread::sleep(time);
                    self.name()
                }
                None => Reply::error(400),
            },
            _ => Reply::error(404),
        }
    }

    fn name(&self) -> Reply {
        Reply::text(
            200,
            format!("{}, pid {}\n", self.me.id(), std::process::id()),
        )
    }

    // ANCHOR: status
    /// The primary knows. It answers by the number of this request.
    fn status(&self) -> Reply {
        let (tell, told) = mpsc::channel();
        let request = self.questions.fetch_add(1, SeqCst);
        self.asking().insert(request, tell);
        let asked = self.me.send(FromWorker::Status { request });
        let told = asked.ok().and_then(|()| told.recv_timeout(PATIENCE).ok());
        self.asking().remove(&request);
        let json = told.and_then(|told| serde_json::to_string(&told).ok());
        match json {
            Some(json) => Reply {
                status: 200,
                kind: "application/json",
                body: json + "\n",
            },
            None => Reply::error(503),
        }
    }
    // ANCHOR_END: status

    pub(crate) fn status_is_here(&self, request: u64, status: Status) {
        if let Some(tell) = self.asking().remove(&request) {
            let _ = tell.send(status); // it may have lost its patience
        }
    }

    fn asking(&self) -> MutexGuard<'_, BTreeMap<u64, Sender<Status>>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reply {
    fn text(status: u16, body: String) -> Reply {
        Reply { status, kind: "text/plain; charset=utf-8", body }
    }

    fn error(status: u16) -> Reply {
        Reply::text(status, format!("{status} {}\n", reason(status)))
    }

    fn response(self, number: &str) -> Response<io::Cursor<Vec<u8>>> {
        let allow = if self.status == 405 { "GET, HEAD" } else { "" };
        let headers = [
            ("Content-Type", self.kind),
            ("X-Worker", number),
            ("Allow", allow),
        ];
        let headers = headers.iter().filter(|(_, value)| !value.is_empty());
        // Our own words only: what a client sent never becomes a header.
        let headers = headers.flat_map(|(f, v)| Header::from_bytes(*f, *v));
        let response = Response::from_data(self.body);
        headers.fold(response.with_status_code(self.status), |it, header| {
            it.with_header(header)
        })
    }

    // ANCHOR: close
    /// tiny_http takes no header `Connection` from us. So it is said by hand
    /// that this was the last answer here.
    fn say_and_close(self, number: &str, request: Request) -> io::Result<()> {
        let Reply { status, kind, body } = self;
        let (reason, length) = (reason(status), body.len());
        let head_only = *request.method() == Method::Head;
        let body = if head_only { "" } else { &body };
        let mut writer = request.into_writer();
        write!(
            writer,
            "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\n\
             X-Worker: {number}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        )?;
        writer.flush()
    }
    // ANCHOR_END: close
}

/// The primary has shut the listening socket down: accept(2) says `EINVAL`.
pub(crate) fn is_the_end(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::libc::EINVAL)
}

/// How long `/slow?ms=300` takes.
fn milliseconds(query: &str) -> Option<Duration> {
    let time = query.strip_prefix("ms=")?.parse().ok()?;
    Some(Duration::from_millis(time).min(MOST_SLOW))
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        503 => "Service Unavailable",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_is_as_slow_as_it_is_told_within_limits() {
        assert_eq!(milliseconds("ms=300"), Some(Duration::from_millis(300)));
        assert_eq!(milliseconds("ms=99999999"), Some(MOST_SLOW));
        for query in ["", "ms=", "ms=-1", "ms=x", "s=1"] {
            assert_eq!(milliseconds(query), None, "{query}");
        }
    }
}
