//! Make: whole lines out of torn bytes.
//!
//! Node's channel carries one JSON value in each line. But a socket knows no
//! lines: bytes come in pieces, and a piece may hold half a line, or three. In
//! the end `feed` takes the next piece and returns all lines that are whole
//! now, without their newline. What is left waits in `rest` for the next piece.
//!
//! A piece may even end in the middle of a letter: `ä` has two bytes.

pub fn feed(rest: &mut Vec<u8>, piece: &[u8]) -> Vec<String> {
    todo!("put the piece behind the rest, then take out whole lines")
}
