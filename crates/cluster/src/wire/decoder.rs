//! Bytes and descriptors in, lines and what they mean out.

use std::collections::VecDeque;
use std::ops::Range;
use std::os::fd::OwnedFd;

use super::ACK;
use super::incoming::{BadLine, Incoming, Meaning};
use super::json::Json;

/// What one read asks for; a longer line grows the buffer.
pub(super) const READ: usize = 64 * 1024;

/// Descriptors that may wait for their lines to be whole. A peer that keeps to the protocol has one
/// on its way.
const WAITING_DESCRIPTORS: usize = 16;

/// How a handle's line begins, whoever writes it: all that is known of one that is over the limit.
pub(super) const HANDLE: &[u8] = b"{\"cmd\":\"NODE_HANDLE\"";

/// Splits the stream into lines and gives each handle its descriptor.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// `buffer[start..end]` came in and is not decoded yet; its first `scanned` bytes hold no
    /// newline.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    scanned: usize,
    /// Where in the stream `buffer[start]` stands.
    offset: u64,
    descriptors: VecDeque<Descriptor>,
    limit: usize,
    /// Inside a line that is over the limit.
    skipping: Option<Skipped>,
}

/// A descriptor whose line is not decoded yet.
#[derive(Debug)]
struct Descriptor {
    fd: OwnedFd,
    /// Where in the stream the read ended that brought it. Its line begins before that.
    until: u64,
}

/// A line of which only the start was looked at.
#[derive(Debug)]
struct Skipped {
    is_handle: bool,
    /// Its descriptor came, and is closed.
    had_descriptor: bool,
}

impl Decoder {
    /// A line may be `limit` bytes long, its newline not counted.
    pub(crate) fn new(limit: usize) -> Decoder {
        Decoder {
            buffer: vec![0; READ],
            start: 0,
            end: 0,
            scanned: 0,
            offset: 0,
            descriptors: VecDeque::new(),
            limit,
            skipping: None,
        }
    }

    /// Room for the next read. If every whole line is taken out before it, the buffer never grows
    /// beyond the limit and one read.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() > 4 * (self.end + READ) {
            self.shrink_to(2 * (self.end + READ)); // a long line is over
        }
        if self.buffer.len() - self.end < READ / 2 {
            let most = self.limit.saturating_add(READ);
            let wanted = (2 * self.buffer.len()).min(most).max(self.end + READ);
            self.buffer.reserve_exact(wanted - self.buffer.len());
            self.buffer.resize(wanted, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// Gives memory back.
    fn shrink_to(&mut self, length: usize) {
        self.buffer.truncate(length);
        self.buffer.shrink_to_fit();
    }

    /// Takes note of a read into [`Decoder::space`]: `count` bytes, and the descriptors that came
    /// with them.
    pub(crate) fn received(
        &mut self,
        count: usize,
        descriptors: impl IntoIterator<Item = OwnedFd>,
    ) {
        self.end += count;
        let until = self.offset + (self.end - self.start) as u64;
        for fd in descriptors {
            // One too many is closed. Kept, they would fill our table of open files, at one byte
            // each.
            if self.descriptors.len() < WAITING_DESCRIPTORS {
                self.descriptors.push_back(Descriptor { fd, until });
            }
        }
    }

    /// The next message, if a whole one is here.
    pub(crate) fn next(&mut self) -> Option<Incoming> {
        // Each turn takes a whole line out of what is here, or ends.
        loop {
            if self.close_strays() {
                return Some(Incoming::Bad(BadLine::UnaskedDescriptor));
            }
            let unread = &self.buffer[self.start..self.end];
            let Some(newline) =
                memchr::memchr(b'\n', &unread[self.scanned..]).map(|at| self.scanned + at)
            else {
                self.wait_for_the_rest();
                return None;
            };
            if self.skipping.is_some() || newline > self.limit {
                return Some(self.pass_over(newline));
            }
            let line = self.start..self.start + newline;
            self.take(newline + 1);
            if self.buffer[line.start..=line.end] == *ACK {
                // One for each handle, and always these bytes: no need to look into them.
                return Some(Incoming::Ack);
            }
            let descriptor = || self.descriptors.pop_front().map(|descriptor| descriptor.fd);
            match Meaning::of(&self.buffer[line.clone()], descriptor) {
                Meaning::User => return Some(Incoming::User(self.keep(line))),
                Meaning::Other(incoming) => return Some(incoming),
                Meaning::Unknown => {}
            }
        }
    }

    /// The line is not whole. Once it is over the limit nothing of it is kept.
    fn wait_for_the_rest(&mut self) {
        let unread = self.end - self.start;
        self.scanned = unread;
        if self.skipping.is_some() || unread > self.limit.max(HANDLE.len()) {
            self.skip(unread);
        }
        if self.end == 0 && self.buffer.len() > READ {
            self.shrink_to(READ); // it may be long until something comes
        }
    }

    /// The end of a line that is over the limit.
    fn pass_over(&mut self, newline: usize) -> Incoming {
        self.skip(newline);
        self.take(1);
        let too_long = BadLine::TooLong { limit: self.limit };
        match self.skipping.take() {
            Some(Skipped { is_handle: true, .. }) => Incoming::BadHandle(too_long),
            _ => Incoming::Bad(too_long),
        }
    }

    fn skip(&mut self, count: usize) {
        let skipped = self.skipping.get_or_insert_with(|| Skipped {
            is_handle: self.buffer[self.start..self.end].starts_with(HANDLE),
            had_descriptor: false,
        });
        if skipped.is_handle && !skipped.had_descriptor {
            skipped.had_descriptor = self.descriptors.pop_front().is_some();
        }
        self.take(count);
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

    /// The bytes of a line that was just taken. A long one is not copied: it keeps the buffer, and
    /// what follows it moves to a new one.
    fn keep(&mut self, line: Range<usize>) -> Json {
        let whole = line.len() + 1;
        let rest = &self.buffer[self.start..self.end];
        if line.start > 0 || line.len() <= READ || rest.len() > line.len() {
            return Json::new(self.buffer[line].to_vec(), whole);
        }
        let mut next = vec![0; READ.max(rest.len())];
        next[..rest.len()].copy_from_slice(rest);
        (self.start, self.end) = (0, rest.len());
        let mut bytes = std::mem::replace(&mut self.buffer, next);
        bytes.truncate(line.end);
        bytes.shrink_to_fit();
        Json::new(bytes, whole)
    }

    /// The size of the buffer.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.buffer.capacity()
    }

    /// Closes a descriptor once every line that could have brought it is decoded.
    fn close_strays(&mut self) -> bool {
        let stray = self.descriptors.front().is_some_and(|oldest| oldest.until <= self.offset);
        if stray {
            self.descriptors.pop_front();
        }
        stray
    }
}
