//! Messages on their way out: whole lines in order, one handle at a time.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::NACK;

/// Lines without a descriptor are glued together up to this many bytes, so that one write takes
/// many.
pub(super) const GLUE: usize = 64 * 1024;

/// How often a handle is sent again when its descriptor was lost, as Node does.
const TRIES: u8 = 3;

/// One or more whole lines, with the descriptor that goes with them.
#[derive(Debug)]
pub(crate) struct Line {
    bytes: Vec<u8>,
    handle: Option<Arc<OwnedFd>>,
    /// How many messages of the user's are inside. Zero: internal, and exempt from the limit.
    messages: usize,
    /// What these count towards the limit.
    user_bytes: usize,
    internal_bytes: usize,
    resent: u8,
}

impl Line {
    /// A message of the cluster layer, perhaps with a descriptor.
    pub(crate) fn internal(bytes: Vec<u8>, handle: Option<Arc<OwnedFd>>) -> Line {
        let internal_bytes = bytes.len();
        Line { bytes, handle, messages: 0, user_bytes: 0, internal_bytes, resent: 0 }
    }

    /// A message of the user's, perhaps with a descriptor.
    pub(crate) fn user(bytes: Vec<u8>, handle: Option<OwnedFd>) -> Line {
        let user_bytes = bytes.len();
        let handle = handle.map(Arc::new);
        Line { bytes, handle, messages: 1, user_bytes, internal_bytes: 0, resent: 0 }
    }

    /// The descriptor that goes with it.
    pub(crate) fn handle(&self) -> Option<&Arc<OwnedFd>> {
        self.handle.as_ref()
    }

    /// How many bytes of messages of the user's are inside.
    pub(crate) fn user_bytes(&self) -> usize {
        self.user_bytes
    }

    /// How many messages of the user's are inside.
    pub(crate) fn messages(&self) -> usize {
        self.messages
    }

    fn can_take(&self, next: &Line) -> bool {
        self.handle.is_none()
            && next.handle.is_none()
            && (self.messages > 0) == (next.messages > 0)
            && self.bytes.len() + next.bytes.len() <= GLUE
    }
}

/// The lines that the peer does not have yet.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// The line being written and how much of it is out.
    writing: Option<(Line, usize)>,
    /// ACK and NACK overtake everything, or two peers that send handles to each other would wait
    /// for ever.
    answers: VecDeque<&'static [u8]>,
    queue: VecDeque<Line>,
    /// How many NACKs are kept back, while somebody wants that.
    refusals: usize,
    postpones: bool,
    /// A handle that the peer has not acknowledged. Until it does, nothing but answers goes out.
    in_flight: Option<Line>,
    user_bytes: usize,
    internal_bytes: usize,
}

impl Outbox {
    pub(crate) fn push(&mut self, line: Line) {
        self.user_bytes += line.user_bytes;
        self.internal_bytes += line.internal_bytes;
        match self.queue.back_mut() {
            Some(last) if last.can_take(&line) => {
                last.bytes.extend_from_slice(&line.bytes);
                last.messages += line.messages;
                last.user_bytes += line.user_bytes;
                last.internal_bytes += line.internal_bytes;
            }
            _ => self.queue.push_back(line),
        }
    }

    pub(crate) fn answer(&mut self, answer: &'static [u8]) {
        self.answers.push_back(answer);
    }

    /// The line of a handle came without its descriptor.
    pub(crate) fn refuse(&mut self) {
        if self.postpones {
            self.refusals += 1;
        } else {
            self.answer(NACK);
        }
    }

    /// Keeps NACKs back, or lets them go.
    pub(crate) fn postpone_refusals(&mut self, on: bool) {
        self.postpones = on;
        if !on {
            let refusals = std::mem::take(&mut self.refusals);
            self.answers.extend(std::iter::repeat_n(NACK, refusals));
        }
    }

    /// The bytes to write next, and the descriptor that goes with them.
    pub(crate) fn chunk(&mut self) -> Option<(&[u8], Option<BorrowedFd<'_>>)> {
        if self.writing.is_none() {
            self.writing = Some((self.next_line()?, 0));
        }
        let (line, written) = self.writing.as_ref()?;
        let handle = line.handle.as_ref().filter(|_| *written == 0).map(AsFd::as_fd);
        Some((&line.bytes[*written..], handle))
    }

    /// What may go out next: answers, then the queue while no handle is in flight. Answers and a
    /// line without a descriptor share one write.
    fn next_line(&mut self) -> Option<Line> {
        let answers: Vec<u8> = self.answers.drain(..).flatten().copied().collect();
        self.internal_bytes += answers.len();
        let queued = self.queue.front().filter(|_| self.in_flight.is_none());
        match queued {
            Some(line) if answers.is_empty() || line.handle.is_none() => {
                let mut line = self.queue.pop_front()?;
                line.internal_bytes += answers.len();
                line.bytes.splice(..0, answers);
                Some(line)
            }
            _ if answers.is_empty() => None,
            _ => Some(Line::internal(answers, None)),
        }
    }

    /// Takes note that `count` bytes of the last chunk went out.
    pub(crate) fn wrote(&mut self, count: usize) {
        let Some((line, written)) = &mut self.writing else { return };
        *written += count;
        if *written < line.bytes.len() {
            return;
        }
        if let Some((line, _)) = self.writing.take() {
            if line.handle.is_some() {
                self.in_flight = Some(line);
            } else {
                self.forget(&line);
            }
        }
    }

    /// The peer has the handle: our copy of the descriptor is closed.
    pub(crate) fn acknowledged(&mut self) {
        if let Some(line) = self.in_flight.take() {
            self.forget(&line);
        }
    }

    /// The peer has the line but not the descriptor: it is sent again, before anything else, three
    /// times at most. Returns it when it is given up.
    pub(crate) fn refused(&mut self) -> Option<Line> {
        let mut line = self.in_flight.take()?;
        line.resent += 1;
        if line.resent <= TRIES {
            self.queue.push_front(line);
            return None;
        }
        self.forget(&line);
        Some(line)
    }

    /// The peer takes nothing any more: our copies of descriptors would keep open what everybody
    /// else has closed.
    pub(crate) fn close_handles(&mut self) {
        let writing = self.writing.as_mut().map(|(line, _)| line);
        let lines = writing.into_iter().chain(&mut self.queue).chain(&mut self.in_flight);
        lines.for_each(|line| line.handle = None);
    }

    fn forget(&mut self, line: &Line) {
        self.user_bytes -= line.user_bytes;
        self.internal_bytes -= line.internal_bytes;
    }

    /// Bytes of internal messages that the peer does not have yet: answers to what it asked. No
    /// limit holds for them, so a peer that asks and never reads could fill our memory.
    pub(crate) fn internal_bytes(&self) -> usize {
        let answers = self.answers.iter().map(|answer| answer.len()).sum::<usize>();
        self.internal_bytes + answers + self.refusals * NACK.len()
    }

    /// Bytes of the user's messages that the peer does not have yet, written or not.
    pub(crate) fn user_bytes(&self) -> usize {
        self.user_bytes
    }

    /// Messages of the user's that are not written, or whose handle is not acknowledged.
    pub(crate) fn undelivered(&self) -> usize {
        let writing = self.writing.as_ref().map(|(line, _)| line);
        writing
            .into_iter()
            .chain(&self.queue)
            .chain(&self.in_flight)
            .map(|line| line.messages)
            .sum()
    }

    /// Whether something could be written now.
    pub(crate) fn wants_write(&self) -> bool {
        self.writing.is_some()
            || !self.answers.is_empty()
            || (self.in_flight.is_none() && !self.queue.is_empty())
    }

    /// Whether everything is written (the last handle may still wait for its ACK).
    pub(crate) fn is_written(&self) -> bool {
        self.writing.is_none() && self.answers.is_empty() && self.queue.is_empty()
    }
}
