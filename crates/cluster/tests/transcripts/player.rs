//! Plays one side of a conversation: writes its lines, and compares what the other side writes.

use std::collections::VecDeque;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};

use rustix::io::FdFlags;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::harness::DEADLINE;
use crate::sockets::{Sockets, is, port_of};
use crate::words::Words;

pub struct Player {
    channel: UnixStream,
    /// The real worker, if this is the primary.
    worker: Option<Child>,
    /// The worker is ours, and not Node's.
    ours: bool,
    heard: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
    words: Words,
    sockets: Sockets,
    /// Until the end, or a conversation would take another turn.
    connections: Vec<OwnedFd>,
}

impl Player {
    /// A worker, under whichever primary started this process.
    pub fn worker() -> Player {
        let fd = std::env::var("NODE_CHANNEL_FD").unwrap().parse().unwrap();
        // SAFETY: whoever started this process left the descriptor open under this number, for us.
        #[allow(unsafe_code)]
        let channel = unsafe { OwnedFd::from_raw_fd(fd) };
        Player::new(channel.into(), None, false)
    }

    /// The primary of this program, which may be ours.
    pub fn primary(mut program: Command, ours: bool) -> Player {
        let (channel, its) = UnixStream::pair().unwrap();
        rustix::io::fcntl_setfd(&its, FdFlags::empty()).unwrap();
        program
            .env("NODE_UNIQUE_ID", "1")
            .env("NODE_CHANNEL_FD", its.as_raw_fd().to_string())
            .env("NODE_CHANNEL_SERIALIZATION_MODE", "json")
            .env_remove("CLUSTER_PLAIN");
        let worker = program.spawn().unwrap();
        Player::new(channel, Some(worker), ours)
    }

    fn new(channel: UnixStream, worker: Option<Child>, ours: bool) -> Player {
        channel.set_nonblocking(false).unwrap();
        channel.set_read_timeout(Some(DEADLINE)).unwrap();
        Player {
            channel,
            worker,
            ours,
            heard: Vec::new(),
            descriptors: VecDeque::new(),
            words: Words::default(),
            sockets: Sockets::default(),
            connections: Vec::new(),
        }
    }

    pub fn plays(mut self, text: &str) {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        self.words.mean("TAKEN", taken.local_addr().unwrap().port());
        let path = format!("transcript-{}", std::process::id());
        self.words.mean("PATH", std::env::temp_dir().join(path).display());
        if self.worker.is_some() {
            self.words.mean("PORT", self.sockets.bind(text));
            self.words.mean("SECOND", 2);
            self.words.mean("FD", 17);
            self.words.mean("ANY", "::");
            self.words.mean("FAMILY", "IPv6");
            self.words.mean("KEY", "a name that only the primary understands");
        } else {
            self.words.mean("TICKETS", "0f1e2d");
        }
        if self.ours || self.worker.is_none() {
            self.words.mean("FLAGS", "");
        }
        let mut lines: VecDeque<&str> = text.lines().collect();
        while let Some(line) = lines.pop_front() {
            if line == "these two cross on their way" {
                // On either side the script reads before it writes, so the real one has written
                // before it reads.
                let heard = if self.worker.is_some() { "-->" } else { "<--" };
                if !lines[0].starts_with(heard) {
                    lines.swap(0, 1);
                }
            } else {
                self.play(line);
            }
        }
        if let Some(mut worker) = self.worker {
            assert!(worker.wait().unwrap().success());
        }
    }

    fn play(&mut self, line: &str) {
        let is_primary = self.worker.is_some();
        let Some((who, what)) = line.split_once(' ') else { return };
        match (who, what, is_primary) {
            ("-->", "end", true) => assert_eq!(self.next_line(), None),
            ("-->", "end", false) => self.channel.shutdown(Shutdown::Both).unwrap(),
            ("-->", _, false) | ("<--", _, true) => self.says(what),
            ("-->", _, true) | ("<--", _, false) => self.hears(what),
            ("worker:", _, true) | ("primary:", _, false) => self.says(&format!("\"{what}\"")),
            ("client:", "connects", false) => {
                let address = self.words.fill("127.0.0.1:$PORT");
                self.connections.push(TcpStream::connect(address).unwrap().into());
            }
            ("client:", "hangs up", _) => self.connections.clear(),
            _ => {} // for the other side, or for the reader
        }
    }

    fn says(&mut self, what: &str) {
        let (line, brings) = with_what_it_brings(what);
        let line = self.words.fill(line) + "\n";
        let fd = brings.and_then(|it| self.sockets.give(it, &mut self.connections));
        let fds: Vec<_> = fd.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(fds.is_empty() || control.push(SendAncillaryMessage::ScmRights(&fds)));
        let bytes = [IoSlice::new(line.as_bytes())];
        let count = sendmsg(&self.channel, &bytes, &mut control, SendFlags::empty()).unwrap();
        assert_eq!(count, line.len());
    }

    fn hears(&mut self, what: &str) {
        let (line, brings) = with_what_it_brings(what);
        let line = if self.ours { as_we_write(line) } else { line.to_owned() };
        let heard = self.next_line().expect("the other side hung up");
        self.words.learn(&line, &heard);
        assert_eq!(heard, self.words.fill(&line));
        assert_eq!(self.descriptors.len(), usize::from(brings.is_some()), "{heard}");
        if let (Some(fd), Some(what)) = (self.descriptors.pop_front(), brings) {
            assert!(is(what, &fd), "no {what}: {heard}");
            if what != "connection" && !self.words.know("PORT") {
                self.words.mean("PORT", port_of(&fd));
            }
            self.connections.push(fd);
        }
    }

    fn next_line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let line = self.heard.drain(..=end).take(end).collect();
                return Some(String::from_utf8(line).unwrap());
            }
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut bytes = [0; 4096];
            let buffer = &mut [IoSliceMut::new(&mut bytes)];
            let read = recvmsg(&self.channel, buffer, &mut control, RecvFlags::empty());
            let count = read.expect("nothing comes").bytes;
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                    self.descriptors.extend(descriptors);
                }
            }
            if count == 0 {
                assert!(self.heard.is_empty(), "half a line: {:?}", self.heard);
                return None;
            }
            self.heard.extend(&bytes[..count]);
        }
    }
}

fn with_what_it_brings(what: &str) -> (&str, Option<&str>) {
    what.split_once(" + ").map_or((what, None), |(line, brings)| (line, Some(brings)))
}

/// Our worker leaves out what says nothing, and says that it will tell when it waits: fields that
/// Node's primary ignores.
fn as_we_write(line: &str) -> String {
    let is_about_a_listener = line.contains("queryServer") || line.contains("listening");
    if !is_about_a_listener || line.contains("\"udp") {
        return line.to_owned();
    }
    let line = line.replace("\"backlog\":false,", "").replace("\"backlog\":0,", "");
    line.replace("\"seq\":", "\"waits\":true,\"seq\":")
}
