//! What is told and not printed yet: bounded, whatever becomes of the reader.

use std::collections::VecDeque;

use crate::printer::Piece;

/// So many bytes may wait. A story that is longer, and told faster than it is read, has gaps.
const MOST: usize = 1024 * 1024;

/// After a gap the story goes on when no more than this waits, so that there are few gaps and each
/// is long.
const ROOM: usize = MOST / 2;

/// Pieces that wait, in order, and how many found no room.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    pieces: VecDeque<Piece>,
    bytes: usize,
    untold: usize,
}

impl Backlog {
    /// Takes a piece, or only counts it. A piece may be of any size itself: a program prints what
    /// it was asked for.
    pub(crate) fn push(&mut self, piece: Piece) {
        let most = if self.untold == 0 { MOST } else { ROOM };
        if self.bytes >= most {
            self.untold += 1;
            return;
        }
        for piece in self.notice().into_iter().chain([piece]) {
            self.bytes += piece.size();
            self.pieces.push_back(piece);
        }
    }

    /// The next piece. What found no room is told of in its place.
    pub(crate) fn pop(&mut self) -> Option<Piece> {
        let Some(piece) = self.pieces.pop_front() else { return self.notice() };
        self.bytes -= piece.size();
        Some(piece)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.untold == 0
    }

    /// How many were left out since the last notice. It stands in the margin, as all that differs
    /// from run to run.
    fn notice(&mut self) -> Option<Piece> {
        let text = match std::mem::take(&mut self.untold) {
            0 => return None,
            1 => "1 sentence was not told: nobody read it in time".to_owned(),
            many => format!("{many} sentences were not told: nobody read them in time"),
        };
        Some(Piece::Lines(format!("  | {text}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str) -> Piece {
        Piece::Lines(text.to_owned())
    }

    fn text(piece: Option<Piece>) -> String {
        match piece {
            Some(Piece::Lines(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    /// As many pieces as find room, and one more.
    fn overfull() -> (Backlog, usize) {
        let mut backlog = Backlog::default();
        let mut taken = 0;
        while backlog.untold == 0 {
            backlog.push(piece(&taken.to_string()));
            taken += 1;
        }
        (backlog, taken - 1)
    }

    #[test]
    fn pieces_come_in_order_and_then_how_many_found_no_room() {
        let (mut backlog, taken) = overfull();
        assert!(taken > 4000 && backlog.bytes < MOST + size_of::<Piece>() + 10, "{taken}");
        for number in 0..taken {
            assert_eq!(text(backlog.pop()), number.to_string());
        }
        assert!(!backlog.is_empty());
        assert_eq!(text(backlog.pop()), "  | 1 sentence was not told: nobody read it in time");
        assert!(backlog.is_empty() && backlog.pop().is_none());
        assert_eq!(backlog.bytes, 0);
    }

    #[test]
    fn a_gap_ends_when_half_of_the_room_is_free_and_is_told_in_its_place() {
        let (mut backlog, taken) = overfull();
        while backlog.bytes >= ROOM {
            backlog.push(piece("lost"));
            backlog.pop();
        }
        backlog.push(piece("later"));
        let mut rest = Vec::new();
        while let Some(piece) = backlog.pop() {
            rest.push(text(Some(piece)));
        }
        assert!(rest.len() > taken / 3);
        let [.., last, notice, later] = &rest[..] else { panic!("{rest:?}") };
        assert_eq!((last, later.as_str()), (&(taken - 1).to_string(), "later"));
        assert!(notice.ends_with(" sentences were not told: nobody read them in time"), "{notice}");
        assert!(!rest.contains(&"lost".to_owned()));
    }

    #[test]
    fn one_large_piece_is_taken_whole_if_there_is_any_room() {
        let mut backlog = Backlog::default();
        backlog.push(piece("first"));
        backlog.push(piece(&"x".repeat(3 * MOST)));
        backlog.push(piece("too late"));
        assert_eq!(text(backlog.pop()), "first");
        assert_eq!(text(backlog.pop()).len(), 3 * MOST);
        assert!(text(backlog.pop()).starts_with("  | 1 sentence "));
    }
}
