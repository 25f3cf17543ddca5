//! A worker that is not ours: it writes the protocol by hand, and breaks it as it is told.

use std::io::{IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use cluster::Value;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use crate::hostile::channel;

const ACK: &str = "{\"cmd\":\"NODE_HANDLE_ACK\"}\n";
const NACK: &str = "{\"cmd\":\"NODE_HANDLE_NACK\"}\n";
const KEY: &str = "\"key\":\"127.0.0.1:0:4:undefined:0\"";

/// Listens on a free port, says where when it waits for a connection, and does this with each one
/// that comes.
pub fn misbehaves(how: &str) {
    let mut peer = Peer::new();
    peer.says("\"act\":\"online\"");
    let waits = if how.ends_with("as node") { "" } else { ",\"waits\":true" };
    let query = "\"act\":\"queryServer\",\"index\":0,\"data\":null,\"address\":\"127.0.0.1\",\
                 \"port\":0,\"addressType\":4,\"flags\":0";
    peer.says(&format!("{query}{waits}"));
    let port = peer.hears("sockname").0["sockname"]["port"].as_u64().unwrap();
    peer.waits_up_to(1);
    if how == "reads no more" {
        peer.channel.shutdown(std::net::Shutdown::Read).unwrap();
    }
    peer.writes(&format!("\"127.0.0.1:{port}\"\n"));
    if how == "reads no more" {
        stays();
    }
    if how == "claims what is not its own" {
        peer.waits_up_to(0);
        for seq in 0..200 {
            peer.says(&format!("\"ack\":{seq},\"accepted\":true"));
            peer.says(&format!("\"ack\":{seq},\"accepted\":false"));
        }
        peer.writes("\"claimed\"\n");
        stays();
    }
    for received in 1.. {
        let (message, connection) = peer.hears("newconn");
        peer.treats(how, received, &message["msg"]["seq"], connection);
    }
}

/// Asks for this port and never listens on the socket that it gets.
pub fn only_asks(port: &str) {
    let mut peer = Peer::new();
    peer.says("\"act\":\"online\"");
    let query = "\"act\":\"queryServer\",\"index\":0,\"data\":null,\"address\":\"127.0.0.1\"";
    peer.says(&format!("{query},\"port\":{port},\"addressType\":4,\"flags\":0"));
    let _holds = peer.hears("net.Native");
    peer.writes(ACK);
    peer.writes("\"holds\"\n");
    stays();
}

/// Until it is killed, or its primary.
fn stays() -> ! {
    let primary = std::os::unix::process::parent_id();
    while std::os::unix::process::parent_id() == primary {
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    std::process::exit(0)
}

struct Peer {
    channel: UnixStream,
    heard: String,
    descriptors: Vec<OwnedFd>,
    seq: u32,
}

impl Peer {
    fn new() -> Peer {
        Peer { channel: channel(), heard: String::new(), descriptors: Vec::new(), seq: 0 }
    }

    fn treats(&mut self, how: &str, received: u64, seq: &Value, connection: Option<OwnedFd>) {
        let answer = |accepted: bool| format!("\"ack\":{seq},\"accepted\":{accepted}");
        let nacks = match how {
            "nacks once" => 1,
            "nacks four times" => 4,
            "always nacks" => u64::MAX,
            _ => 0,
        };
        if received <= nacks {
            return self.writes(NACK);
        }
        if how == "dies before ack" {
            std::process::abort();
        }
        self.writes(ACK);
        match how {
            "dies after ack" => std::process::abort(),
            "refuses" => {
                self.says(&answer(false));
                self.waits_up_to(received + 1);
            }
            "refuses as node" => self.says(&answer(false)),
            "closes and refuses" => {
                self.says(&format!("\"act\":\"close\",{KEY}"));
                self.says(&answer(false));
            }
            "hangs up" => {
                drop(connection);
                self.channel.shutdown(std::net::Shutdown::Both).unwrap();
                stays();
            }
            "never answers" => {
                self.writes("\"has it\"\n");
                std::mem::forget(connection); // until it ends
            }
            _ => {
                self.says(&answer(true));
                write!(TcpStream::from(connection.unwrap()), "bad worker").unwrap();
            }
        }
    }

    fn waits_up_to(&mut self, count: u64) {
        self.says(&format!("\"act\":\"waiting\",{KEY},\"upTo\":{count}"));
    }

    fn says(&mut self, fields: &str) {
        self.seq += 1;
        let line = format!("{{\"cmd\":\"NODE_CLUSTER\",{fields},\"seq\":{}}}\n", self.seq);
        self.writes(&line);
    }

    fn writes(&mut self, bytes: &str) {
        // The primary may be gone; then this ends as well.
        let _ = self.channel.write_all(bytes.as_bytes());
    }

    /// The next message with this word in it, and the descriptor that came along.
    fn hears(&mut self, word: &str) -> (Value, Option<OwnedFd>) {
        loop {
            if let Some((line, rest)) = self.heard.split_once('\n') {
                let found = line.contains(word).then(|| serde_json::from_str(line).unwrap());
                self.heard = rest.to_owned();
                if let Some(found) = found {
                    return (found, self.descriptors.pop());
                }
                continue;
            }
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut bytes = [0; 4096];
            let buffer = &mut [IoSliceMut::new(&mut bytes)];
            let got = recvmsg(&self.channel, buffer, &mut control, RecvFlags::empty()).unwrap();
            if got.bytes == 0 {
                std::process::exit(0);
            }
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                    self.descriptors.extend(descriptors);
                }
            }
            self.heard.push_str(std::str::from_utf8(&bytes[..got.bytes]).unwrap());
        }
    }
}
