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

/// So many findings are kept. More say nothing new.
const MOST: usize = 256;
/// So many are taken at a time: whoever sends them may do so without end.
const AT_ONCE: usize = 64;

/// Where findings arrive. In the abstract namespace: no file is left, whatever happens.
pub(crate) struct Inbox {
    socket: UnixDatagram,
    pub(crate) name: String,
    findings: Vec<Finding>,
}

impl Inbox {
    pub(crate) fn open() -> io::Result<Inbox> {
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let name = format!("exercise-{}-{number}", process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        socket.set_nonblocking(true)?;
        Ok(Inbox { socket, name, findings: Vec::new() })
    }

    /// Takes what has arrived. Only a few find room in the socket (unix(7): `max_dgram_qlen`), and
    /// whoever sends one more waits.
    pub(crate) fn take(&mut self) {
        let mut buffer = vec![0; 64 * 1024];
        for _ in 0..AT_ONCE {
            let Ok(length) = self.socket.recv(&mut buffer) else { return };
            let finding = serde_json::from_slice(&buffer[..length]).ok();
            self.findings.extend(finding.filter(|_| self.findings.len() < MOST));
        }
    }

    /// All that has arrived.
    pub(crate) fn findings(mut self) -> Vec<Finding> {
        self.take();
        self.findings
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
