//! What the two sides say to each other, and the worker's side.

use std::time::Instant;

use cluster::Worker;
use narrator::Outcome;
use serde::{Deserialize, Serialize};

use crate::kernel::{self, Answer, Hex, Work};

/// The primary: compute this part.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Request {
    pub part: usize,
    pub work: Work,
}

/// A worker: what has become of it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reply {
    Began(usize),
    /// The beginning of a long number; more of it follows.
    Digits(String),
    Done {
        part: usize,
        digits: String,
        last: Vec<u64>,
        seconds: f64,
    },
}

/// So many digits travel in one message. A result may be longer than the
/// longest line that a channel takes.
const MOST_DIGITS: usize = 256 * 1024;

pub(crate) fn work(mut me: Worker, poison: Option<usize>) -> Outcome {
    while let Some(message) = me.recv()? {
        let request: Request = message.parse()?;
        me.send(Reply::Began(request.part))?;
        for reply in compute(&request, poison) {
            me.send(reply)?; // waits while the channel is full
        }
    }
    Ok(()) // the primary asked for the end, or is gone
}

/// Computes a part. The last of these replies says that it is done.
pub(crate) fn compute(
    Request { part, work }: &Request,
    poison: Option<usize>,
) -> Vec<Reply> {
    if poison == Some(part + 1) {
        std::process::abort(); // parts are counted from 1 for people
    }
    let start = Instant::now();
    let Answer { number, last } = kernel::compute(work);
    let seconds = start.elapsed().as_secs_f64();
    let mut rest = String::from(Hex(number));
    let mut replies = Vec::new();
    while rest.len() > MOST_DIGITS {
        let later = rest.split_off(MOST_DIGITS);
        replies.push(Reply::Digits(std::mem::replace(&mut rest, later)));
    }
    replies.push(Reply::Done { part: *part, digits: rest, last, seconds });
    replies
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(work: Work) -> Vec<Reply> {
        compute(&Request { part: 0, work }, None)
    }

    #[test]
    fn a_short_number_is_one_reply() {
        let replies = replies(Work::Product(1, 5));
        assert!(
            matches!(&replies[..], [Reply::Done { digits, .. }] if digits == "78")
        );
    }

    #[test]
    fn a_long_number_comes_in_pieces_that_make_it_up() {
        let index = 4_000_000;
        let mut all = String::new();
        let replies = replies(Work::Fibonacci(index));
        assert_eq!(replies.len(), 3);
        for reply in replies {
            match reply {
                Reply::Began(_) => panic!("that is for others to say"),
                Reply::Digits(digits) => all += &digits,
                Reply::Done { digits, .. } => all += &digits,
            }
        }
        assert_eq!(
            Hex::try_from(all).unwrap().0,
            kernel::compute(&Work::Fibonacci(index)).number
        );
    }
}
