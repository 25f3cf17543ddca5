//! One end of the channel between primary and worker: the wire protocol over a Unix stream socket.

use std::io::{IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use rustix::io::{Errno, Result};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, recvmsg, sendmsg, shutdown,
};
use serde::Serialize;

use crate::wire::{ACK, Decoder, Envelope, Incoming, Line, Outbox, WithSocket};
use crate::{Error, Handle, HandleKind};

/// Descriptors that one read can take. The kernel never sends more than 253 (`SCM_MAX_FD`); Node
/// sends one.
const DESCRIPTORS: usize = 253;

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Filled {
    Data,
    Nothing,
    /// The peer closed its end, or is gone.
    Closed,
}

#[derive(Debug)]
pub(crate) struct Channel {
    socket: Arc<OwnedFd>,
    decoder: Decoder,
    outbox: Outbox,
    /// The peer takes nothing any more, although it may still write.
    deaf: bool,
    /// What the last read brought: so many bytes, and among its descriptors this number.
    bytes_read: usize,
    highest_descriptor: Option<RawFd>,
    /// How many handles came without their descriptors.
    handles_lost: u64,
}

impl Channel {
    /// Lines over `line_limit` bytes are passed over.
    pub(crate) fn new(socket: OwnedFd, line_limit: usize) -> Channel {
        Channel {
            socket: Arc::new(socket),
            decoder: Decoder::new(line_limit),
            outbox: Outbox::default(),
            deaf: false,
            bytes_read: 0,
            highest_descriptor: None,
            handles_lost: 0,
        }
    }

    /// How many handles came without their descriptors, because this process had no room for them.
    /// Each is sent again, three times at most.
    pub(crate) fn handles_lost(&self) -> u64 {
        self.handles_lost
    }

    pub(crate) fn socket(&self) -> &Arc<OwnedFd> {
        &self.socket
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Whether it is worth waiting until something can be written.
    pub(crate) fn wants_write(&self) -> bool {
        !self.deaf && self.outbox.wants_write()
    }

    /// How many bytes can be read at once (`FIONREAD`): all that a dead worker left behind, however
    /// much others go on writing.
    pub(crate) fn bytes_waiting(&self) -> usize {
        // FIONREAD fails only where there is no socket.
        rustix::io::ioctl_fionread(&*self.socket).map_or(0, |count| count as usize)
    }

    /// Reads once, without waiting.
    pub(crate) fn fill(&mut self) -> Result<Filled> {
        let mut control = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        self.read(RecvAncillaryBuffer::new(&mut control))
    }

    /// As [`fill`](Channel::fill), but takes no descriptor: the kernel closes those that come with
    /// what is read, and their lines count as having lost them.
    pub(crate) fn fill_without_descriptors(&mut self) -> Result<Filled> {
        self.read(RecvAncillaryBuffer::default())
    }

    fn read(&mut self, mut control: RecvAncillaryBuffer<'_>) -> Result<Filled> {
        (self.bytes_read, self.highest_descriptor) = (0, None);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let space = &mut [IoSliceMut::new(self.decoder.space())];
        let count = match recvmsg(&*self.socket, space, &mut control, flags) {
            Ok(read) => read.bytes,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Filled::Nothing),
            Err(Errno::CONNRESET) => return Ok(Filled::Closed),
            Err(error) => return Err(error),
        };
        self.bytes_read = count;
        let descriptors = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        let highest = &mut self.highest_descriptor;
        let seen = |fd: &OwnedFd| *highest = (*highest).max(Some(fd.as_raw_fd()));
        self.decoder.received(count, descriptors.flatten().inspect(seen));
        Ok(if count == 0 { Filled::Closed } else { Filled::Data })
    }

    /// How many bytes the last read brought.
    pub(crate) fn bytes_read(&self) -> usize {
        self.bytes_read
    }

    /// The highest number among the descriptors that the last read brought, also of those that are
    /// closed by now: how full our table of open files is.
    pub(crate) fn highest_descriptor(&self) -> Option<RawFd> {
        self.highest_descriptor
    }

    /// While this is on, a peer whose handle came without its descriptor is not told: it waits, and
    /// sends that handle again when this is switched off and what waits is written.
    pub(crate) fn postpone_refusals(&mut self, on: bool) {
        self.outbox.postpone_refusals(on);
    }

    /// The next message that is for our side to act on. What the protocol itself answers is
    /// answered here.
    pub(crate) fn next(&mut self) -> Option<Incoming> {
        loop {
            let incoming = self.decoder.next()?;
            match incoming {
                Incoming::Ack => self.outbox.acknowledged(),
                Incoming::HandleWithoutDescriptor => {
                    self.handles_lost += 1;
                    self.outbox.refuse();
                }
                Incoming::SocketQuestion { closing, ref key } => {
                    // We do not count what became of a socket: it is the program's, and gone from
                    // here. `json!` would sort the fields; Node writes them in this order.
                    let answer = if closing {
                        format!("{{\"cmd\":\"NODE_SOCKET_ALL_CLOSED\",\"key\":{key}}}\n")
                    } else {
                        format!("{{\"cmd\":\"NODE_SOCKET_COUNT\",\"key\":{key},\"count\":0}}\n")
                    };
                    self.outbox.push(Line::internal(answer.into_bytes(), None));
                }
                Incoming::UserWithHandle(..) | Incoming::ClusterWithHandle(..) => {
                    self.outbox.answer(ACK);
                    return Some(incoming);
                }
                Incoming::BadHandle(bad) => {
                    self.outbox.answer(ACK);
                    return Some(Incoming::Bad(bad));
                }
                Incoming::User(_) | Incoming::Cluster(_) | Incoming::Nack | Incoming::Bad(_) => {
                    return Some(incoming);
                }
            }
        }
    }

    /// The peer lost the descriptor of our last handle: it is sent again. Returns it when it is
    /// given up.
    pub(crate) fn resend_handle(&mut self) -> Option<Line> {
        self.outbox.refused()
    }

    /// Puts a message of the cluster layer into the queue.
    pub(crate) fn push_internal(&mut self, message: &impl Serialize) {
        // Our own structs of strings and numbers: they always serialize. Who takes nothing any more
        // gets nothing: it would stay here.
        if !self.deaf
            && let Ok(bytes) = line(message, usize::MAX)
        {
            self.outbox.push(Line::internal(bytes, None));
        }
    }

    /// Puts a message of the cluster layer and its socket into the queue.
    pub(crate) fn push_internal_with(
        &mut self,
        message: Envelope,
        kind: HandleKind,
        socket: Arc<OwnedFd>,
    ) {
        if !self.deaf
            && let Ok(bytes) = line(&WithSocket::new(message, kind), usize::MAX)
        {
            self.outbox.push(Line::internal(bytes, Some(socket)));
        }
    }

    /// Puts an encoded message of the user's into the queue.
    pub(crate) fn push(&mut self, bytes: Vec<u8>, handle: Option<OwnedFd>) {
        self.outbox.push(Line::user(bytes, handle));
    }

    /// Writes what the socket takes without waiting.
    pub(crate) fn flush(&mut self) -> Result<()> {
        while let Some((bytes, handle)) = self.outbox.chunk() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if let Some(handle) = &handle {
                control.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(handle)));
            }
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match sendmsg(&*self.socket, &[IoSlice::new(bytes)], &mut control, flags) {
                Ok(count) => self.outbox.wrote(count),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => {
                    self.deaf = true;
                    self.outbox.close_handles();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Closes the channel for both sides, also where another descriptor of it is open.
    pub(crate) fn close(&self) {
        // It fails only where the peer is gone already, and then the channel is closed.
        let _ = shutdown(self.socket.as_fd(), Shutdown::Both);
    }
}

/// One message as the bytes of its line.
///
/// # Errors
/// [`Error::NotJson`]; [`Error::MessageTooLong`] when the other side would pass it over: its limit
/// is `limit` bytes, the newline not counted.
pub(crate) fn line(message: &impl Serialize, limit: usize) -> std::result::Result<Vec<u8>, Error> {
    encode("", message, "\n", limit)
}

/// One message in the wrapper of its handle, as [`line`].
pub(crate) fn handle_line(
    message: &impl Serialize,
    handle: &Handle,
    limit: usize,
) -> std::result::Result<Vec<u8>, Error> {
    let (start, end) = handle.wrapper();
    encode(start, message, end, limit)
}

fn encode(
    start: &str,
    message: &impl Serialize,
    end: &str,
    limit: usize,
) -> std::result::Result<Vec<u8>, Error> {
    let mut line =
        Bounded { bytes: Vec::with_capacity(128), most: limit.saturating_add(1), length: 0 };
    line.push(start.as_bytes());
    serde_json::to_writer(&mut line, message).map_err(Error::NotJson)?;
    one_line(&mut line.bytes);
    line.push(end.as_bytes());
    let Bounded { bytes, most, length } = line;
    if length > most {
        return Err(Error::MessageTooLong { bytes: length - 1, limit });
    }
    Ok(bytes)
}

/// What is already JSON (serde_json's `RawValue`) may be spread over several lines. No string holds
/// a bare newline, so a space means the same.
pub(crate) fn one_line(json: &mut [u8]) {
    if memchr::memchr(b'\n', json).is_some() {
        json.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
    }
}

/// Keeps what is written as long as it is not too long, and counts the rest.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
    length: usize,
}

impl Bounded {
    fn push(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len());
        if self.length <= self.most {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.bytes = Vec::new();
        }
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
