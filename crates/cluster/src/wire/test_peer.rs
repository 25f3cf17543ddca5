//! For tests: somebody at the other end of a channel who writes whatever he likes, and what Node
//! writes.

#![allow(clippy::unwrap_used)]

use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde_json::Value;

use super::{BadLine, Incoming};
use crate::Handle;
use crate::channel::{Channel, Filled};

pub(super) const ACK: &str = "{\"cmd\":\"NODE_HANDLE_ACK\"}\n";
pub(super) const NACK: &str = "{\"cmd\":\"NODE_HANDLE_NACK\"}\n";

pub(super) const SERVER: &str =
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Server\",\"msg\":\"server\"}\n";
pub(super) const UDP4: &str =
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"dgram.Socket\",\"msg\":\"udp\",\"dgramType\":\"udp4\"}\n";
pub(super) const SOCKET: &str = "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":{\"a\":\"accepted socket\"},\"key\":\"4:127.0.0.1:0\"}\n";

pub(super) fn tcp() -> (TcpListener, TcpStream, UdpSocket) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener, stream, UdpSocket::bind("127.0.0.1:0").unwrap())
}

/// The other end of a channel, in the hands of somebody who writes whatever he likes.
pub(super) struct Peer {
    pub(super) socket: UnixStream,
    pub(super) channel: Channel,
}

impl Peer {
    pub(super) fn new() -> Peer {
        Peer::with_limit(1024 * 1024)
    }

    pub(super) fn with_limit(limit: usize) -> Peer {
        let (socket, ours) = UnixStream::pair().unwrap();
        socket.set_nonblocking(true).unwrap();
        Peer { socket, channel: Channel::new(ours.into(), limit) }
    }

    pub(super) fn says(&mut self, bytes: &str) {
        (&self.socket).write_all(bytes.as_bytes()).unwrap();
    }

    /// One sendmsg(2) with descriptors.
    pub(super) fn says_with(&mut self, bytes: &str, fds: &[BorrowedFd<'_>]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(fds)));
        let bytes = [IoSlice::new(bytes.as_bytes())];
        sendmsg(&self.socket, &bytes, &mut control, SendFlags::empty()).unwrap();
    }

    /// All that our side makes of what was said so far, in short.
    pub(super) fn is_heard_as(&mut self, expected: &[&str]) {
        let mut heard = Vec::new();
        loop {
            heard.extend(std::iter::from_fn(|| self.channel.next()).map(|one| in_short(&one)));
            self.channel.flush().unwrap();
            if self.channel.fill().unwrap() != Filled::Data {
                break;
            }
        }
        assert_eq!(heard, expected);
    }

    pub(super) fn is_answered(&mut self, expected: &str) {
        let mut answers = Vec::new();
        let _ = (&self.socket).read_to_end(&mut answers); // until it would block
        assert_eq!(String::from_utf8(answers).unwrap(), expected);
    }
}

fn in_short(incoming: &Incoming) -> String {
    match incoming {
        Incoming::User(json) => json.parse::<Value>().unwrap().to_string(),
        Incoming::UserWithHandle(json, fd) => {
            let kind = Handle::new(fd.try_clone().unwrap()).map(|handle| handle.kind());
            kind.map_or(format!("{json} + no socket"), |kind| format!("{json} + {kind:?}"))
        }
        Incoming::ClusterWithHandle(received, _) => format!("internal: {:?}", received.act()),
        Incoming::Bad(BadLine::NotJson { start, .. }) => format!("not JSON: {start:?}"),
        Incoming::Bad(BadLine::TooLong { limit }) => format!("too long: {limit}"),
        Incoming::Bad(BadLine::UnaskedDescriptor) => "unasked descriptor".into(),
        other => format!("{other:?}"),
    }
}
