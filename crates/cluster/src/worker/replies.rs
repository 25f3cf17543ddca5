//! The answers of the primary that somebody waits for.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use crate::wire::Received;

/// How often a handle comes without its descriptor before its sender gives it up: Node sends it
/// again three times.
const TRIES: u64 = 4;

/// The answers of the primary that somebody waits for, by the number of the request.
#[derive(Debug, Default)]
pub(super) struct Replies {
    expected: BTreeMap<u64, Expected>,
    /// How many handles had lost their descriptors when the last one arrived whole, or was given
    /// up.
    lost: u64,
}

#[derive(Debug)]
enum Expected {
    /// It may bring a descriptor: one is kept in reserve, in case the system has no other.
    Descriptor(Option<OwnedFd>),
    Answer,
    Answered(Received, Option<OwnedFd>),
    /// Its sender gave it up, because the descriptor was lost every time.
    GivenUp,
}

/// What came of a request.
#[derive(Debug)]
pub(super) enum Reply {
    Answered(Received, Option<OwnedFd>),
    /// It will never come: this process has no room for the descriptor.
    GivenUp,
}

impl Replies {
    pub(super) fn expect(&mut self, seq: u64, reserve: Option<OwnedFd>) {
        let expected = match reserve {
            Some(reserve) => Expected::Descriptor(Some(reserve)),
            None => Expected::Answer,
        };
        self.expected.insert(seq, expected);
    }

    /// An answer came. Gives it back if nobody waits for it.
    pub(super) fn answered(
        &mut self,
        reply: Received,
        fd: Option<OwnedFd>,
    ) -> Option<(Received, Option<OwnedFd>)> {
        match reply.ack().and_then(|ack| self.expected.get_mut(&ack)) {
            Some(expected @ (Expected::Descriptor(_) | Expected::Answer)) => {
                *expected = Expected::Answered(reply, fd);
                None
            }
            Some(_) | None => Some((reply, fd)),
        }
    }

    /// What came of a request, once. `None`: nothing yet.
    pub(super) fn take(&mut self, seq: u64) -> Option<Reply> {
        match self.expected.remove(&seq)? {
            Expected::Answered(reply, fd) => Some(Reply::Answered(reply, fd)),
            Expected::GivenUp => Some(Reply::GivenUp),
            waits => {
                self.expected.insert(seq, waits);
                None
            }
        }
    }

    /// Nobody waits for this one any more.
    pub(super) fn forget(&mut self, seq: u64) {
        self.expected.remove(&seq);
    }

    /// A handle arrived whole. So many have lost their descriptors so far.
    pub(super) fn handle_arrived(&mut self, lost: u64) {
        self.lost = lost;
    }

    /// So many handles have lost their descriptors so far: makes room for the next try, and says
    /// that there will be none when that did not help.
    pub(super) fn handles_lost(&mut self, lost: u64) {
        if lost == self.lost {
            return;
        }
        let given_up = lost - self.lost >= TRIES;
        for expected in self.expected.values_mut() {
            if let Expected::Descriptor(reserve) = expected {
                *reserve = None;
                if given_up {
                    *expected = Expected::GivenUp;
                }
            }
        }
        if given_up {
            self.lost = lost;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(ack: u64) -> Received {
        let (mut decoder, line) = (
            crate::wire::Decoder::new(1000),
            format!("{{\"cmd\":\"NODE_CLUSTER\",\"ack\":{ack}}}\n"),
        );
        decoder.space()[..line.len()].copy_from_slice(line.as_bytes());
        decoder.received(line.len(), []);
        match decoder.next() {
            Some(crate::wire::Incoming::Cluster(received)) => received,
            other => panic!("{other:?}"),
        }
    }

    fn descriptor() -> Option<OwnedFd> {
        Some(std::os::unix::net::UnixStream::pair().unwrap().0.into())
    }

    #[test]
    fn an_answer_goes_to_who_asked_once() {
        let mut replies = Replies::default();
        replies.expect(1, None);
        replies.expect(2, descriptor());
        assert!(replies.take(1).is_none());
        assert!(replies.answered(answer(1), None).is_none());
        assert!(replies.answered(answer(2), descriptor()).is_none());
        assert!(replies.answered(answer(2), None).is_some(), "it was answered");
        assert!(replies.answered(answer(3), None).is_some(), "nobody asked");
        assert!(matches!(replies.take(1), Some(Reply::Answered(_, None))));
        assert!(matches!(replies.take(2), Some(Reply::Answered(_, Some(_)))));
        assert!(replies.take(2).is_none());
        replies.expect(4, None);
        replies.forget(4);
        assert!(replies.answered(answer(4), None).is_some());
    }

    #[test]
    fn a_lost_descriptor_makes_room_for_the_next_try_and_four_in_a_row_are_the_end() {
        let reserve = |replies: &Replies| match replies.expected.get(&1) {
            Some(Expected::Descriptor(reserve)) => reserve.is_some(),
            _ => false,
        };
        let mut replies = Replies::default();
        replies.expect(1, descriptor());
        replies.expect(2, None);
        replies.handles_lost(0);
        assert!(reserve(&replies));
        replies.handles_lost(1);
        assert!(!reserve(&replies), "room");
        replies.handle_arrived(3);
        replies.handles_lost(6);
        assert!(replies.take(1).is_none(), "three in a row: it comes again");
        replies.handles_lost(7);
        assert!(matches!(replies.take(1), Some(Reply::GivenUp)));
        assert!(replies.take(2).is_none(), "that one needs no descriptor");
    }
}
