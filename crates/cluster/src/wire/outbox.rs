//! Messages on their way out: whole lines in order, one handle at a time.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// Lines without a descriptor are glued together up to this many bytes, so that one write takes many.
const GLUE: usize = 64 * 1024;

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
    /// ACK and NACK overtake everything, or two peers that send handles to each other would wait for ever.
    answers: VecDeque<&'static [u8]>,
    queue: VecDeque<Line>,
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

    /// The bytes to write next, and the descriptor that goes with them.
    pub(crate) fn chunk(&mut self) -> Option<(&[u8], Option<BorrowedFd<'_>>)> {
        if self.writing.is_none() {
            self.writing = Some((self.next_line()?, 0));
        }
        let (line, written) = self.writing.as_ref()?;
        let handle = line.handle.as_ref().filter(|_| *written == 0).map(AsFd::as_fd);
        Some((&line.bytes[*written..], handle))
    }

    /// What may go out next: answers, then the queue while no handle is in flight. Answers and a line without a descriptor
    /// share one write.
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

    /// The peer has the line but not the descriptor: it is sent again, before anything else, three times at most.
    /// Returns it when it is given up.
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

    /// The peer takes nothing any more: our copies of descriptors would keep open what everybody else has closed.
    pub(crate) fn close_handles(&mut self) {
        let writing = self.writing.as_mut().map(|(line, _)| line);
        let lines = writing.into_iter().chain(&mut self.queue).chain(&mut self.in_flight);
        lines.for_each(|line| line.handle = None);
    }

    fn forget(&mut self, line: &Line) {
        self.user_bytes -= line.user_bytes;
        self.internal_bytes -= line.internal_bytes;
    }

    /// Bytes of internal messages that the peer does not have yet: answers to what it asked. No limit holds for them, so a peer
    /// that asks and never reads could fill our memory.
    pub(crate) fn internal_bytes(&self) -> usize {
        self.internal_bytes + self.answers.iter().map(|answer| answer.len()).sum::<usize>()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::user(text.as_bytes().to_vec(), None)
    }

    fn handle(text: &str) -> Line {
        let (fd, _) = std::os::unix::net::UnixStream::pair().unwrap();
        Line::user(text.as_bytes().to_vec(), Some(fd.into()))
    }

    /// Writes all that may go out, `step` bytes at a time; `*` stands for a descriptor.
    fn drain(outbox: &mut Outbox, step: usize) -> String {
        let mut out = String::new();
        while let Some((bytes, handle)) = outbox.chunk() {
            let count = bytes.len().min(step);
            if handle.is_some() {
                out.push('*');
            }
            out.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            outbox.wrote(count);
        }
        out
    }

    #[test]
    fn lines_go_out_in_order_whatever_each_write_takes() {
        for step in 1..10 {
            let mut outbox = Outbox::default();
            for text in ["one\n", "two\n", "three\n"] {
                outbox.push(line(text));
            }
            assert_eq!(drain(&mut outbox, step), "one\ntwo\nthree\n");
            assert_eq!(
                (outbox.user_bytes(), outbox.undelivered(), outbox.is_written()),
                (0, 0, true)
            );
        }
    }

    #[test]
    fn after_a_handle_all_but_answers_wait_for_its_ack() {
        let mut outbox = Outbox::default();
        for next in [line("a\n"), handle("b\n"), line("c\n"), handle("d\n"), line("e\n")] {
            outbox.push(next);
        }
        assert_eq!(drain(&mut outbox, 1), "a\n*b\n");
        assert!(!outbox.wants_write());
        outbox.answer(super::super::ACK);
        assert_eq!(drain(&mut outbox, 100).as_bytes(), super::super::ACK);
        outbox.acknowledged();
        assert_eq!(drain(&mut outbox, 100), "c\n*d\n");
        assert_eq!(outbox.undelivered(), 2);
        outbox.acknowledged();
        assert_eq!(drain(&mut outbox, 100), "e\n");
        assert_eq!(outbox.user_bytes(), 0);
    }

    #[test]
    fn an_answer_never_cuts_a_line_in_two() {
        let mut outbox = Outbox::default();
        outbox.push(line("long line\n"));
        outbox.chunk();
        outbox.wrote(4);
        outbox.answer(b"ACK\n");
        assert_eq!(drain(&mut outbox, 100), " line\nACK\n");
    }

    #[test]
    fn a_refused_handle_is_sent_again_first_and_given_up_after_three_times() {
        let mut outbox = Outbox::default();
        outbox.push(handle("h\n"));
        outbox.push(line("after\n"));
        for _ in 0..3 {
            assert_eq!(drain(&mut outbox, 100), "*h\n");
            assert!(outbox.refused().is_none());
        }
        assert_eq!(drain(&mut outbox, 100), "*h\n");
        assert!(outbox.refused().is_some());
        assert_eq!(drain(&mut outbox, 100), "after\n");
        assert_eq!(outbox.user_bytes(), 0);
    }
}
