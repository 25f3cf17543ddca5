//! What a worker knows of one of its listeners, and the connections that wait there for the
//! program.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::Address;
use crate::rest::Rest;
use crate::wire::Envelope;

/// How many connections are kept for a program that does not take them, where the primary does not
/// know who waits. Node's sends one.
const MOST: usize = 64;

/// What a worker knows of one of its listeners.
#[derive(Debug)]
pub(super) struct Listening {
    /// The primary's name for it; none for a socket of this worker's own.
    pub key: Option<String>,
    /// What was asked for.
    pub address: Address,
    pub source: Source,
    /// How many calls wait for something from here.
    pub waiting: usize,
    /// Nothing can be taken from the shared socket just now.
    pub rest: Rest,
}

/// Where its connections come from.
#[derive(Debug)]
pub(super) enum Source {
    /// The primary hands them over.
    Primary(HandedOver),
    /// A socket, which this worker accepts from.
    Shared(Arc<OwnedFd>),
    /// A socket that the program took. To the primary this worker goes on using it, until it
    /// leaves.
    Taken,
}

/// Connections from the primary.
#[derive(Debug)]
pub(super) struct HandedOver {
    /// Not taken by the program yet: the number to answer, and the connection.
    untaken: VecDeque<(u64, OwnedFd)>,
    /// The primary understands `waiting`, and sends connections in blocking mode.
    knows_waiting: bool,
    /// How many it has handed over.
    received: u64,
    /// How many it may have handed over in all, as it was told.
    told: u64,
}

impl HandedOver {
    pub(super) fn new(knows_waiting: bool) -> HandedOver {
        HandedOver { untaken: VecDeque::new(), knows_waiting, received: 0, told: 0 }
    }

    /// Keeps a connection for one of so many calls that wait. Whether it is kept; if not, it is
    /// closed here.
    fn keep(&mut self, seq: u64, connection: OwnedFd, waiting: usize) -> bool {
        self.received += 1;
        // Nobody waits here any more: somebody else may. Node does not know, and sends it anyway.
        let most = if self.knows_waiting { waiting } else { MOST };
        let kept = self.untaken.len() < most;
        if kept {
            self.untaken.push_back((seq, connection));
        }
        kept
    }

    /// The connection that waits longest, with the number to answer.
    pub(super) fn take(&mut self) -> Option<(u64, OwnedFd)> {
        self.untaken.pop_front()
    }

    /// Whether the primary sends connections as Node does: in non-blocking mode.
    pub(super) fn as_node(&self) -> bool {
        !self.knows_waiting
    }

    /// How many connections the primary may hand over in all, if it does not know yet: those that
    /// it has, and one for each of so many calls that wait. A sum, because a connection may be
    /// under way: "one more" or "one less" would then be counted from different numbers.
    fn up_to(&mut self, waiting: usize) -> Option<u64> {
        let wanted = self.received + waiting.saturating_sub(self.untaken.len()) as u64;
        let news = self.knows_waiting && self.told != wanted;
        news.then(|| {
            self.told = wanted;
            wanted
        })
    }
}

impl Listening {
    pub(super) fn new(key: Option<String>, address: Address, source: Source) -> Listening {
        Listening { key, address, source, waiting: 0, rest: Rest::default() }
    }

    /// Keeps a connection that the primary hands over. Whether it is kept; if not, it is closed
    /// here.
    pub(super) fn keep(&mut self, seq: u64, connection: OwnedFd) -> bool {
        match &mut self.source {
            Source::Primary(handed_over) => handed_over.keep(seq, connection, self.waiting),
            Source::Shared(_) | Source::Taken => false,
        }
    }

    /// What the primary has to be told of who waits here, if that has changed.
    pub(super) fn waits(&mut self) -> Option<Envelope> {
        let Source::Primary(handed_over) = &mut self.source else { return None };
        let up_to = Some(handed_over.up_to(self.waiting)?);
        let key = self.key.as_deref().unwrap_or_default();
        Some(Envelope { up_to, ..Envelope::on("waiting", key, 0) })
    }

    pub(super) fn shared(&self) -> Option<&Arc<OwnedFd>> {
        match &self.source {
            Source::Shared(socket) => Some(socket),
            Source::Primary(_) | Source::Taken => None,
        }
    }

    pub(super) fn handed_over(&mut self) -> Option<&mut HandedOver> {
        match &mut self.source {
            Source::Primary(handed_over) => Some(handed_over),
            Source::Shared(_) | Source::Taken => None,
        }
    }

    /// The connections that nobody took: the numbers to answer.
    pub(super) fn untaken(&self) -> Vec<u64> {
        match &self.source {
            Source::Primary(handed_over) => {
                handed_over.untaken.iter().map(|(seq, _)| *seq).collect()
            }
            Source::Shared(_) | Source::Taken => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(knows_waiting: bool) -> Listening {
        let source = Source::Primary(HandedOver::new(knows_waiting));
        Listening::new(Some("key".into()), Address::AnyTcp(1), source)
    }

    fn connection() -> OwnedFd {
        std::os::unix::net::UnixStream::pair().unwrap().0.into()
    }

    fn told(listening: &mut Listening) -> Option<u64> {
        listening.waits().and_then(|message| message.up_to)
    }

    #[test]
    fn the_primary_learns_how_many_connections_it_may_hand_over_in_all() {
        let mut listening = listening(true);
        assert_eq!(told(&mut listening), None, "nobody waits: that is what it believes");
        listening.waiting = 2;
        assert_eq!((told(&mut listening), told(&mut listening)), (Some(2), None));
        assert!(listening.keep(1, connection()) && listening.keep(2, connection()));
        assert!(!listening.keep(3, connection()), "nobody waits for a third");
        assert_eq!(listening.untaken(), [1, 2]);
        assert_eq!(told(&mut listening), Some(3), "it goes to somebody else, and counts");
        listening.waiting = 0;
        assert_eq!(told(&mut listening), None);
    }

    #[test]
    fn a_primary_that_does_not_know_who_waits_hands_over_a_bounded_number() {
        let mut listening = listening(false);
        let kept = (0..100).filter(|&seq| listening.keep(seq, connection())).count();
        assert_eq!(kept, MOST);
        listening.waiting = 1;
        assert_eq!(told(&mut listening), None);
    }
}
