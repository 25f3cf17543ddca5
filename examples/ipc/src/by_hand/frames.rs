//! Messages through a pipe, and descriptors through a Unix socket, by hand.

use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use narrator::Outcome;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg,
};

use crate::{Result, lost};

/// No message is longer. One wrong byte in a length could be four GiB.
const LONGEST: usize = 16 * 1024 * 1024;

/// A pipe carries bytes, not messages: the length goes in front.
pub(crate) fn write(to: &mut impl Write, kind: u8, text: &str) -> Outcome {
    // ANCHOR: framing
    let mut frame = (text.len() as u32).to_le_bytes().to_vec();
    frame.push(kind);
    frame.extend_from_slice(text.as_bytes());
    // ANCHOR_END: framing
    Ok(to.write_all(&frame)?)
}

/// The next message. `None`: the other side has closed its end.
pub(crate) fn read(from: &mut impl Read) -> Result<Option<(u8, String)>> {
    let mut head = [0; 5];
    if from.read(&mut head[..1])? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut head[1..])?;
    let [a, b, c, d, kind] = head;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > LONGEST {
        return lost();
    }
    let mut text = vec![0; length];
    from.read_exact(&mut text)?;
    Ok(Some((kind, String::from_utf8(text)?)))
}

/// Descriptors travel beside the bytes, and only through a Unix socket.
pub(crate) fn send(socket: &UnixStream, stream: &TcpStream) -> Outcome {
    let fds = [stream.as_raw_fd()];
    // ANCHOR: descriptor
    let rights = [ControlMessage::ScmRights(&fds)];
    let byte = [IoSlice::new(b"!")];
    sendmsg::<()>(socket.as_raw_fd(), &byte, &rights, MsgFlags::empty(), None)?;
    // ANCHOR_END: descriptor
    Ok(())
}

pub(crate) fn receive(socket: &UnixStream) -> Result<OwnedFd> {
    let mut byte = [0; 1];
    let mut byte = [IoSliceMut::new(&mut byte)];
    let mut space = nix::cmsg_space!(RawFd);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message =
        recvmsg::<()>(socket.as_raw_fd(), &mut byte, Some(&mut space), flags)?;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = control {
            // SAFETY: the kernel has just made this descriptor for us.
            #[allow(unsafe_code)]
            return Ok(unsafe { OwnedFd::from_raw_fd(fds[0]) });
        }
    }
    lost()
}
