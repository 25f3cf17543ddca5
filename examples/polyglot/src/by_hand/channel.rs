//! A channel by hand: a line of JSON for each message, and a descriptor beside
//! the first byte of some.

use std::io::{IoSlice, IoSliceMut, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use narrator::Outcome;
use nix::cmsg_space;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg,
};
use serde_json::{Value, json};

use crate::{Result, lost};

/// No line of this protocol is longer, in bytes.
const LONGEST: usize = 1024 * 1024;

pub(super) struct Channel {
    pub(super) socket: UnixStream,
    bytes: Vec<u8>,
    /// A descriptor that has come, for the message that it belongs to.
    descriptor: Option<OwnedFd>,
}

impl Channel {
    pub(super) fn new(socket: UnixStream) -> Channel {
        Channel { socket, bytes: Vec::new(), descriptor: None }
    }

    pub(super) fn say(&mut self, message: &Value) -> Outcome {
        Ok(self.socket.write_all(format!("{message}\n").as_bytes())?)
    }

    /// Says it with a socket, and waits until the other side has it.
    pub(super) fn say_with(
        &mut self,
        message: &Value,
        socket: &impl AsRawFd,
    ) -> Outcome {
        let wrapped = json!({
            "cmd": "NODE_HANDLE", "type": "net.Native", "msg": message
        });
        let line = format!("{wrapped}\n");
        let line = [IoSlice::new(line.as_bytes())];
        let channel = self.socket.as_raw_fd();
        // ANCHOR: say_with
        let fds = [socket.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&fds)];
        sendmsg::<()>(channel, &line, &rights, MsgFlags::empty(), None)?;
        self.hear_until(|it| it["cmd"] == "NODE_HANDLE_ACK")?;
        // ANCHOR_END: say_with
        Ok(())
    }

    /// The next message. `None`: the other side has closed the channel.
    pub(super) fn hear(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some(end) = self.bytes.iter().position(|&it| it == b'\n') {
                let line: Vec<u8> = self.bytes.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            if self.bytes.len() > LONGEST {
                return lost("the other side sends a line without an end");
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    pub(super) fn hear_act(&mut self, act: &str) -> Result<Value> {
        self.hear_until(|it| it["act"] == act)
    }

    /// What else is said until then needs no answer.
    pub(super) fn hear_until(
        &mut self,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        while let Some(message) = self.hear()? {
            if wanted(&message) {
                return Ok(message);
            }
        }
        lost("the other side closed the channel")
    }

    /// The descriptor that came with the last message; says that it is here.
    pub(super) fn take_descriptor(&mut self) -> Result<OwnedFd> {
        self.say(&json!({ "cmd": "NODE_HANDLE_ACK" }))?;
        self.descriptor.take().map_or_else(|| lost("no descriptor"), Ok)
    }

    fn fill(&mut self) -> Result<bool> {
        let (mut block, mut space) = ([0; 4096], cmsg_space!(RawFd));
        let mut bytes = [IoSliceMut::new(&mut block)];
        let (socket, flags) =
            (self.socket.as_raw_fd(), MsgFlags::MSG_CMSG_CLOEXEC);
        let came = recvmsg::<()>(socket, &mut bytes, Some(&mut space), flags)?;
        let length = came.bytes;
        for control in came.cmsgs()? {
            if let ControlMessageOwned::ScmRights(fds) = control
                && let Some(&fd) = fds.first()
            {
                // SAFETY: the kernel has just made it, for us alone.
                #[allow(unsafe_code)]
                let fd = unsafe { OwnedFd::from_raw_fd(fd) };
                self.descriptor = Some(fd);
            }
        }
        self.bytes.extend_from_slice(&block[..length]);
        Ok(length > 0)
    }
}
