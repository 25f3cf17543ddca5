//! Which sentences a picture is of.

use std::convert::Infallible;
use std::str::FromStr;

use crate::sentence::Sentence;

/// Parts of sentences, as `--picture-of` names them: `worker 1,-is online`.
///
/// A sentence is taken if it contains one of those without a minus in front (or there is none such),
/// and none of those with one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    wanted: Vec<String>,
    unwanted: Vec<String>,
}

impl FromStr for Choice {
    type Err = Infallible;

    fn from_str(list: &str) -> Result<Choice, Infallible> {
        let mut choice = Choice::default();
        for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.strip_prefix('-') {
                Some(part) => choice.unwanted.push(part.trim().to_owned()),
                None => choice.wanted.push(part.to_owned()),
            }
        }
        Ok(choice)
    }
}

impl Choice {
    pub(crate) fn takes(&self, sentence: &Sentence) -> bool {
        let text = sentence.text();
        let has = |part: &String| contains(&text, part);
        (self.wanted.is_empty() || self.wanted.iter().any(has)) && !self.unwanted.iter().any(has)
    }
}

/// Whether the part is there as whole words: `worker 1` is no part of `worker 12`.
fn contains(text: &str, part: &str) -> bool {
    text.match_indices(part).any(|(at, _)| {
        let goes_on = |before: Option<char>, after: Option<char>| {
            before.zip(after).is_some_and(|(a, b)| a.is_alphanumeric() && b.is_alphanumeric())
        };
        let (before, after) = (&text[..at], &text[at + part.len()..]);
        !goes_on(before.chars().next_back(), part.chars().next())
            && !goes_on(part.chars().next_back(), after.chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(list: &str, actor: &str, deed: &str) -> bool {
        let choice: Choice = list.parse().unwrap();
        choice.takes(&Sentence {
            actor: actor.into(),
            pid: None,
            verb: deed.into(),
            object: String::new(),
            to: None,
            aside: false,
        })
    }

    #[test]
    fn nothing_named_is_everything_taken() {
        assert!(takes("", "worker 1", "is online"));
    }

    #[test]
    fn a_sentence_is_taken_for_any_part_that_it_contains() {
        assert!(takes("forks, is online", "worker 1", "is online"));
        assert!(!takes("forks", "worker 1", "is online"));
    }

    #[test]
    fn a_part_behind_a_minus_leaves_out() {
        assert!(!takes("worker 1,-is online", "worker 1", "is online"));
        assert!(takes("-is online", "worker 1", "exits 0"));
    }

    #[test]
    fn worker_1_is_not_worker_12() {
        assert!(!takes("worker 1", "worker 12", "is online"));
        assert!(takes("worker 12", "worker 12", "is online"));
    }
}
