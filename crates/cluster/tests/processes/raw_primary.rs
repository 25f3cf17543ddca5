//! A primary that is not ours: it forks one worker, writes the protocol by hand, and breaks it as
//! it likes.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use cluster::Value;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::harness::DEADLINE;

/// The terms of a primary of ours, with its usual limits.
pub const OURS: &str = "8388608 1048576 rr";

/// The key that this primary gives to every listener.
pub const KEY: &str = "here";

/// A worker of ours in the hands of a primary that is not ours.
pub struct RawPrimary {
    child: Child,
    channel: UnixStream,
    heard: Vec<u8>,
}

impl RawPrimary {
    /// Forks this binary, for this part, as Node does; with terms, as one of ours does.
    pub fn forks(part: &str, terms: Option<&str>) -> RawPrimary {
        let (channel, theirs) = UnixStream::pair().unwrap();
        rustix::io::fcntl_setfd(&theirs, rustix::io::FdFlags::empty()).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .env("NODE_UNIQUE_ID", "1")
            .env("NODE_CHANNEL_FD", theirs.as_raw_fd().to_string())
            .env("NODE_CHANNEL_SERIALIZATION_MODE", "json")
            .env("CLUSTER_PART", part)
            .envs(terms.map(|terms| ("CLUSTER_PRIMARY", terms)))
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        channel.set_read_timeout(Some(DEADLINE)).unwrap();
        RawPrimary { child, channel, heard: Vec::new() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line, whatever it says.
    #[track_caller]
    pub fn line(&mut self) -> Value {
        loop {
            if let Some(end) = self.heard.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                return serde_json::from_slice(&line).unwrap();
            }
            let mut bytes = vec![0; 1 << 16];
            let count = self.channel.read(&mut bytes).unwrap();
            assert!(count > 0, "the worker hung up");
            self.heard.extend_from_slice(&bytes[..count]);
        }
    }

    /// The next message of the cluster layer with this act; what comes before it is passed over.
    #[track_caller]
    pub fn hears(&mut self, act: &str) -> Value {
        loop {
            let line = self.line();
            if line["act"] == act {
                return line;
            }
        }
    }

    /// The next message of the program; what the cluster layer says before it is passed over.
    #[track_caller]
    pub fn hears_the_program(&mut self) -> Value {
        loop {
            let line = self.line();
            if !line["cmd"].as_str().is_some_and(|cmd| cmd.starts_with("NODE_")) {
                return line;
            }
        }
    }

    pub fn says(&mut self, text: &str) {
        self.channel.write_all(text.as_bytes()).unwrap();
        self.channel.write_all(b"\n").unwrap();
    }

    /// A message of the cluster layer.
    pub fn acts(&mut self, fields: &str) {
        self.says(&format!("{{\"cmd\":\"NODE_CLUSTER\",{fields},\"seq\":0}}"));
    }

    pub fn says_with(&mut self, text: &str, fd: BorrowedFd<'_>) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(&fd))));
        let line = format!("{text}\n");
        let bytes = [IoSlice::new(line.as_bytes())];
        // More than a few descriptors at once on their way are refused; then the worker has to read
        // first.
        while sendmsg(&self.channel, &bytes, &mut control, SendFlags::empty())
            .is_err_and(|error| error == rustix::io::Errno::TOOMANYREFS)
        {
            std::thread::yield_now();
        }
    }

    /// Grants the listener that the worker asks for, as one that this primary hands connections
    /// over for.
    pub fn grants(&mut self, waits: bool) {
        let asked = self.hears("queryServer");
        let waits = if waits { ",\"waits\":true" } else { "" };
        let name = "\"sockname\":{\"address\":\"127.0.0.1\",\"family\":\"IPv4\",\"port\":1}";
        let ack = &asked["seq"];
        self.acts(&format!("\"errno\":null,\"key\":\"{KEY}\",\"ack\":{ack},{name}{waits}"));
    }

    /// Writes this again and again, this many times, or until the worker has read nothing for so
    /// long. How many times it was written.
    pub fn floods(&mut self, text: &str, times: usize, patience: Duration) -> usize {
        let block = text.repeat((1 << 16) / text.len() + 1);
        let bytes = text.len() * times;
        self.channel.set_write_timeout(Some(patience)).unwrap();
        let mut written = 0;
        while written < bytes {
            let from = written % text.len();
            let to = block.len().min(from + bytes - written);
            match self.channel.write(&block.as_bytes()[from..to]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        self.channel.set_write_timeout(None).unwrap();
        if written % text.len() > 0 {
            // The rest of a line, so that the next one is whole.
            let rest = text[written % text.len()..].to_owned();
            let mut channel = self.channel.try_clone().unwrap();
            std::thread::spawn(move || channel.write_all(rest.as_bytes()).unwrap());
            written += text.len();
        }
        written / text.len()
    }

    /// How much memory the worker has had at most so far, in MiB.
    pub fn most_memory(&self) -> u64 {
        memory_of(self.pid(), "VmHWM:")
    }

    #[track_caller]
    pub fn ends_well(mut self) {
        let status: ExitStatus = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// A message of the cluster layer in the wrapper of its socket.
pub fn with_socket(fields: &str) -> String {
    let message = format!("{{\"cmd\":\"NODE_CLUSTER\",{fields},\"seq\":0}}");
    format!("{{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{message}}}")
}

/// A line of /proc/PID/status that tells kibibytes, in MiB.
pub fn memory_of(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}
