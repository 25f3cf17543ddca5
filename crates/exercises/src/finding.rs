//! What a process of a judged run finds out, and how it reaches whoever started the run: one datagram for each finding.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::panic::PanicHookInfo;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

/// Names the socket that findings go to, in the environment of a judged run.
pub(crate) const REPORT: &str = "EXERCISE_REPORT";

/// A datagram holds more than this, also with every character escaped.
const LONGEST: usize = 2000;

/// What a process of a judged run found out.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Finding {
    Solved,
    Wrong {
        expected: String,
        seen: String,
    },
    /// Somebody panicked; where, and with which words.
    Panic {
        file: String,
        line: u32,
        message: String,
    },
    /// The learner's code returned an error.
    Error(String),
}

/// Where findings arrive. In the abstract namespace: no file is left, whatever happens.
pub(crate) struct Inbox {
    socket: UnixDatagram,
    pub(crate) name: String,
}

impl Inbox {
    pub(crate) fn open() -> io::Result<Inbox> {
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let name = format!("exercise-{}-{number}", process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        socket.set_nonblocking(true)?;
        Ok(Inbox { socket, name })
    }

    /// All that has arrived.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut buffer = vec![0; 64 * 1024];
        let next = || {
            let length = self.socket.recv(&mut buffer).ok()?;
            serde_json::from_slice(&buffer[..length]).ok()
        };
        std::iter::from_fn(next).collect()
    }
}

/// Sends a finding, if this process belongs to a judged run.
pub(crate) fn report(finding: &Finding) {
    let Ok(name) = std::env::var(REPORT) else { return };
    let send = || -> io::Result<usize> {
        let inbox = SocketAddr::from_abstract_name(name)?;
        UnixDatagram::unbound()?.send_to_addr(&serde_json::to_vec(finding)?, &inbox)
    };
    let _ = send(); // it fails when nobody waits for it any more
}

/// A panic hook: says where it happened instead of printing it.
pub(crate) fn report_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let words = payload.downcast_ref::<&str>().copied();
    let words = words.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let (file, line) = panic.location().map_or(("", 0), |place| (place.file(), place.line()));
    let message = short(words.unwrap_or("a panic without words"));
    report(&Finding::Panic { file: file.to_owned(), line, message });
}

pub(crate) fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
