//! Bytes and descriptors in, messages out.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use serde_json::{Map, Value};

use super::{ACK, Received, json};

/// The longest line taken, in bytes. A longer one is passed over and told as an error.
pub(crate) const MAX_LINE: usize = 64 * 1024 * 1024;

/// What one read asks for; a longer line grows the buffer.
const READ: usize = 64 * 1024;

/// Descriptors that may wait for their lines to be whole. A peer that keeps to the protocol has one on its way.
const WAITING_DESCRIPTORS: usize = 16;

/// A message that came in.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message of the user's.
    User(Value),
    /// A message of the user's that brings a descriptor: the peer waits for an ACK.
    UserWithHandle(Value, OwnedFd),
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
    /// The peer asks about sockets that it sent earlier, under this key; `NODE_SOCKET_NOTIFY_CLOSE` or
    /// `NODE_SOCKET_GET_COUNT`.
    SocketQuestion { closing: bool, key: Value },
    /// Not a message.
    Bad(BadLine),
}

/// Why a line was passed over.
#[derive(Debug, PartialEq)]
pub(crate) enum BadLine {
    /// Not JSON: the parser's reason, and the start of the line.
    NotJson { reason: String, start: String },
    /// Longer than the cap, in bytes.
    TooLong { limit: usize },
    /// A descriptor came with a line that is not a handle's. It was closed.
    UnaskedDescriptor,
}

/// Splits the stream into lines and gives each handle its descriptor.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// `buffer[start..end]` came in and is not decoded yet; its first `scanned` bytes hold no newline.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    scanned: usize,
    /// Where in the stream `buffer[start]` stands.
    offset: u64,
    descriptors: VecDeque<Descriptor>,
    limit: usize,
    /// Inside a line that is over the cap.
    skipping: bool,
}

/// A descriptor whose line is not decoded yet.
#[derive(Debug)]
struct Descriptor {
    fd: OwnedFd,
    /// Where in the stream the read ended that brought it. Its line begins before that.
    until: u64,
}

impl Decoder {
    pub(crate) fn new(limit: usize) -> Decoder {
        Decoder {
            buffer: vec![0; READ],
            start: 0,
            end: 0,
            scanned: 0,
            offset: 0,
            descriptors: VecDeque::new(),
            limit,
            skipping: false,
        }
    }

    /// Room for the next read.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() > 4 * (self.end + READ) {
            self.buffer.truncate(2 * (self.end + READ)); // a long line is over: give its memory back
            self.buffer.shrink_to_fit();
        }
        if self.buffer.len() - self.end < READ / 2 {
            let doubled = (self.buffer.len() * 2).max(READ);
            self.buffer.resize(doubled, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// Takes note of a read into [`Decoder::space`]: `count` bytes, and the descriptors that came with them.
    pub(crate) fn received(
        &mut self,
        count: usize,
        descriptors: impl IntoIterator<Item = OwnedFd>,
    ) {
        self.end += count;
        let until = self.offset + (self.end - self.start) as u64;
        for fd in descriptors {
            // One too many is closed. Kept, they would fill our table of open files, at one byte each.
            if self.descriptors.len() < WAITING_DESCRIPTORS {
                self.descriptors.push_back(Descriptor { fd, until });
            }
        }
    }

    /// How many bytes have come in so far.
    pub(crate) fn bytes_received(&self) -> u64 {
        self.offset + (self.end - self.start) as u64
    }

    /// The next message, if a whole one is here.
    pub(crate) fn next(&mut self) -> Option<Incoming> {
        loop {
            if self.close_strays() {
                return Some(Incoming::Bad(BadLine::UnaskedDescriptor));
            }
            let unread = &self.buffer[self.start..self.end];
            let Some(newline) =
                memchr::memchr(b'\n', &unread[self.scanned..]).map(|at| self.scanned + at)
            else {
                self.scanned = unread.len();
                if unread.len() > self.limit {
                    self.skipping = true;
                }
                if self.skipping {
                    self.take(unread.len());
                }
                return None;
            };
            let line = self.start..self.start + newline;
            self.take(newline + 1);
            if std::mem::take(&mut self.skipping) || line.len() > self.limit {
                return Some(Incoming::Bad(BadLine::TooLong { limit: self.limit }));
            }
            if self.buffer[line.start..=line.end] == *ACK {
                return Some(Incoming::Ack); // one for each handle, and always these bytes: no need to parse them
            }
            let message = match json::parse(&self.buffer[line.clone()]) {
                Ok(value) => self.classify(value),
                Err(reason) => Some(Incoming::Bad(BadLine::NotJson {
                    reason: reason.to_string(),
                    start: String::from_utf8_lossy(&self.buffer[line]).chars().take(40).collect(),
                })),
            };
            if message.is_some() {
                return message;
            }
        }
    }

    fn take(&mut self, count: usize) {
        self.start += count;
        self.offset += count as u64;
        self.scanned = 0;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Closes a descriptor once every line that could have brought it is decoded.
    fn close_strays(&mut self) -> bool {
        let stray = self.descriptors.front().is_some_and(|oldest| oldest.until <= self.offset);
        if stray {
            self.descriptors.pop_front();
        }
        stray
    }

    /// Tells internal messages from the user's. `None`: an internal one that nobody here knows, as Node ignores it.
    fn classify(&mut self, value: Value) -> Option<Incoming> {
        let Value::Object(mut fields) = value else { return Some(Incoming::User(value)) };
        let Some(command) = internal_command(&fields) else {
            return Some(Incoming::User(Value::Object(fields)));
        };
        match command {
            "NODE_CLUSTER" => Some(Incoming::Cluster(Received(fields))),
            "NODE_HANDLE" => Some(self.handle(fields.remove("msg").unwrap_or(Value::Null))),
            "NODE_HANDLE_ACK" => Some(Incoming::Ack),
            "NODE_HANDLE_NACK" => Some(Incoming::Nack),
            "NODE_SOCKET_NOTIFY_CLOSE" | "NODE_SOCKET_GET_COUNT" => {
                Some(Incoming::SocketQuestion {
                    closing: command == "NODE_SOCKET_NOTIFY_CLOSE",
                    key: fields.remove("key").unwrap_or(Value::Null),
                })
            }
            _ => None,
        }
    }

    fn handle(&mut self, message: Value) -> Incoming {
        let Some(Descriptor { fd, .. }) = self.descriptors.pop_front() else {
            return Incoming::HandleWithoutDescriptor;
        };
        match message {
            // An internal message of another layer is none of the user's either: nobody knows its act.
            Value::Object(fields) if internal_command(&fields).is_some() => {
                Incoming::ClusterWithHandle(Received(fields), fd)
            }
            message => Incoming::UserWithHandle(message, fd),
        }
    }
}

/// Node's rule: an object whose `cmd` is a string that starts with `NODE_` and is longer than that.
fn internal_command(fields: &Map<String, Value>) -> Option<&str> {
    fields.get("cmd")?.as_str().filter(|cmd| cmd.len() > 5 && cmd.starts_with("NODE_"))
}
