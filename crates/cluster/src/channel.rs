//! One end of the channel between primary and worker: the wire protocol over a Unix stream socket.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::io::{Errno, Result};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, recvmsg, sendmsg, shutdown,
};
use serde::Serialize;

use crate::HandleKind;
use crate::wire::{ACK, Decoder, Envelope, Incoming, Line, MAX_LINE, NACK, Outbox, WithSocket};

/// Descriptors that one read can take. The kernel never sends more than 253 (`SCM_MAX_FD`); Node sends one.
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
    /// How many handles came without their descriptors.
    handles_lost: u64,
}

impl Channel {
    pub(crate) fn new(socket: OwnedFd) -> Channel {
        Channel {
            socket: Arc::new(socket),
            decoder: Decoder::new(MAX_LINE),
            outbox: Outbox::default(),
            deaf: false,
            handles_lost: 0,
        }
    }

    /// How many handles came without their descriptors, because this process had no room for them. Each is sent again, three times at most.
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

    /// Reads once, without waiting.
    pub(crate) fn fill(&mut self) -> Result<Filled> {
        let mut control = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut control);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let space = &mut [IoSliceMut::new(self.decoder.space())];
        let count = match recvmsg(&*self.socket, space, &mut control, flags) {
            Ok(read) => read.bytes,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Filled::Nothing),
            Err(Errno::CONNRESET) => return Ok(Filled::Closed),
            Err(error) => return Err(error),
        };
        let descriptors = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        self.decoder.received(count, descriptors.flatten());
        Ok(if count == 0 { Filled::Closed } else { Filled::Data })
    }

    /// The next message that is for our side to act on. What the protocol itself answers is answered here.
    pub(crate) fn next(&mut self) -> Option<Incoming> {
        loop {
            let incoming = self.decoder.next()?;
            match incoming {
                Incoming::Ack => self.outbox.acknowledged(),
                Incoming::HandleWithoutDescriptor => {
                    self.handles_lost += 1;
                    self.outbox.answer(NACK);
                }
                Incoming::SocketQuestion { closing, ref key } => {
                    // We do not count what became of a socket: it is the program's, and gone from here.
                    // `json!` would sort the fields; Node writes them in this order.
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
                Incoming::User(_) | Incoming::Cluster(_) | Incoming::Nack | Incoming::Bad(_) => {
                    return Some(incoming);
                }
            }
        }
    }

    /// The peer lost the descriptor of our last handle: it is sent again. Returns it when it is given up.
    pub(crate) fn resend_handle(&mut self) -> Option<Line> {
        self.outbox.refused()
    }

    /// Puts a message of the cluster layer into the queue.
    pub(crate) fn push_internal(&mut self, message: &impl Serialize) {
        // Our own structs of strings and numbers: they always serialize.
        if let Ok(bytes) = line(message) {
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
        if let Ok(bytes) = line(&WithSocket::new(message, kind)) {
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
pub(crate) fn line(message: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(128);
    serde_json::to_writer(&mut bytes, message)?;
    bytes.push(b'\n');
    Ok(bytes)
}
