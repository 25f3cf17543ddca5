//! A connection from one process to another: `SCM_RIGHTS`, unix(7).

use std::io::{IoSlice, IoSliceMut};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use narrator::Outcome;
use nix::cmsg_space;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg,
};

use crate::Result;

// ANCHOR: send
/// Sends a connection. The receiver gets a descriptor of its own.
pub(crate) fn send(to: &UnixStream, connection: &TcpStream) -> Outcome {
    let fds = [connection.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&fds)];
    let byte = [IoSlice::new(b"!")]; // descriptors only travel with a byte
    sendmsg::<()>(to.as_raw_fd(), &byte, &rights, MsgFlags::empty(), None)?;
    Ok(())
}
// ANCHOR_END: send

/// Waits for a connection. `None`: the other side has closed the socket.
pub(crate) fn receive(from: &UnixStream) -> Result<Option<TcpStream>> {
    let mut byte = [0];
    let mut bytes = [IoSliceMut::new(&mut byte)];
    let mut space = cmsg_space!(RawFd);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message =
        recvmsg::<()>(from.as_raw_fd(), &mut bytes, Some(&mut space), flags)?;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = control
            && let Some(&fd) = fds.first()
        {
            // SAFETY: the kernel has just made this descriptor, for us alone.
            #[allow(unsafe_code)]
            let fd = unsafe { OwnedFd::from_raw_fd(fd) };
            return Ok(Some(fd.into()));
        }
    }
    Ok(None)
}
