//! What a whole line is: the user's, the cluster layer's, or an answer of the protocol itself.

use std::ops::Range;
use std::os::fd::OwnedFd;

use serde_json::{Map, Value};

use super::Received;
use super::fields::Fields;
use super::json::{self, Json};

/// The longest line of the cluster layer, in bytes: such a line is parsed as soon as it is here.
pub(crate) const INTERNAL_LIMIT: usize = 64 * 1024;

/// How much is told of a line that is no JSON, in characters.
const START: usize = 40;

/// A message that came in.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message of the user's.
    User(Json),
    /// A message of the user's that brings a descriptor: the peer waits for an ACK.
    UserWithHandle(Json, OwnedFd),
    /// A message of the cluster layer.
    Cluster(Received),
    /// A message of the cluster layer that brings a descriptor: the peer waits for an ACK.
    ClusterWithHandle(Received, OwnedFd),
    /// Our last handle arrived.
    Ack,
    /// Our last handle's line arrived without its descriptor.
    Nack,
    /// A handle's line came without its descriptor: the peer waits for a NACK.
    HandleWithoutDescriptor,
    /// The peer asks about sockets that it sent earlier, under this key; `NODE_SOCKET_NOTIFY_CLOSE`
    /// or `NODE_SOCKET_GET_COUNT`.
    SocketQuestion { closing: bool, key: Value },
    /// Not a message.
    Bad(BadLine),
    /// A handle's line that was passed over, its descriptor closed: the peer waits for an ACK.
    /// (After a NACK it would send the same line again.)
    BadHandle(BadLine),
}

/// Why a line was passed over.
#[derive(Debug, PartialEq)]
pub(crate) enum BadLine {
    /// Not JSON: the parser's reason, and the start of the line.
    NotJson { reason: String, start: String },
    /// Longer than this, in bytes.
    TooLong { limit: usize },
    /// A descriptor came with a line that is not a handle's. It was closed.
    UnaskedDescriptor,
}

/// What a line is.
#[derive(Debug)]
pub(super) enum Meaning {
    /// All of it is a message of the user's, with no descriptor.
    User,
    Other(Incoming),
    /// An internal message that nobody here knows, as Node ignores it.
    Unknown,
}

impl Meaning {
    /// Tells internal messages from the user's. A handle's line takes its descriptor.
    pub(super) fn of(line: &[u8], descriptor: impl FnOnce() -> Option<OwnedFd>) -> Meaning {
        let fields = match Fields::of(line) {
            Ok(fields) => fields,
            Err(reason) => return Meaning::Other(Incoming::Bad(not_json(line, &reason))),
        };
        let Some(command) = fields.command(line) else { return Meaning::User };
        Meaning::Other(match &*command {
            "NODE_HANDLE" => handle(line, fields.msg, descriptor()),
            _ if line.len() > INTERNAL_LIMIT => Incoming::Bad(TOO_LONG),
            "NODE_CLUSTER" => match received(line) {
                Ok(received) => Incoming::Cluster(received),
                Err(bad) => Incoming::Bad(bad),
            },
            "NODE_HANDLE_ACK" => Incoming::Ack,
            "NODE_HANDLE_NACK" => Incoming::Nack,
            "NODE_SOCKET_NOTIFY_CLOSE" => socket_question(line, true),
            "NODE_SOCKET_GET_COUNT" => socket_question(line, false),
            _ => return Meaning::Unknown,
        })
    }
}

const TOO_LONG: BadLine = BadLine::TooLong { limit: INTERNAL_LIMIT };

fn handle(line: &[u8], message: Option<Range<usize>>, fd: Option<OwnedFd>) -> Incoming {
    let message = message.map_or(&b"null"[..], |at| &line[at]);
    let fields = Fields::of(message).unwrap_or_default(); // it is JSON, or the line would be none
    // An internal message of another layer is none of the user's either: nobody knows its act.
    let internal = fields.command(message).is_some();
    let received = match internal {
        false => None,
        true if line.len() > INTERNAL_LIMIT => return Incoming::BadHandle(TOO_LONG),
        true => match received(message) {
            Ok(received) => Some(received),
            Err(bad) => return Incoming::BadHandle(bad),
        },
    };
    match (received, fd) {
        (_, None) => Incoming::HandleWithoutDescriptor,
        (Some(received), Some(fd)) => Incoming::ClusterWithHandle(received, fd),
        (None, Some(fd)) => {
            Incoming::UserWithHandle(Json::new(message.to_vec(), line.len() + 1), fd)
        }
    }
}

fn received(message: &[u8]) -> Result<Received, BadLine> {
    json::parse(message).map(Received).map_err(|reason| not_json(message, &reason))
}

fn socket_question(line: &[u8], closing: bool) -> Incoming {
    match json::parse::<Map<String, Value>>(line) {
        Ok(mut fields) => {
            Incoming::SocketQuestion { closing, key: fields.remove("key").unwrap_or_default() }
        }
        Err(reason) => Incoming::Bad(not_json(line, &reason)),
    }
}

fn not_json(line: &[u8], reason: &serde_json::Error) -> BadLine {
    // No character takes more bytes than four.
    let start = String::from_utf8_lossy(&line[..line.len().min(4 * START)]);
    BadLine::NotJson { reason: reason.to_string(), start: start.chars().take(START).collect() }
}
