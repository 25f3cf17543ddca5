//! What a judge says.

use std::error::Error;
use std::fmt::{self, Debug, Display};

use cluster::{Event, Primary, Worker};

/// What a judge says: nothing, if the exercise is solved. [`Wrong`] tells what was expected and what was seen; any other error
/// counts as one that the learner's code returned.
pub type Verdict = Result<(), Box<dyn Error>>;

/// The learner's code did something else than it should.
#[derive(Debug)]
pub struct Wrong {
    pub(crate) expected: String,
    pub(crate) seen: String,
}

impl Wrong {
    /// What was expected, and what was seen instead; each in words, as the end of a sentence.
    pub fn new(expected: impl Display, seen: impl Display) -> Wrong {
        Wrong { expected: expected.to_string(), seen: seen.to_string() }
    }
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, seen {}", self.expected, self.seen)
    }
}

impl Error for Wrong {}

/// Expects two values to be the same; `what` says what they are.
///
/// # Errors
/// [`Wrong`], if they are not.
pub fn same<T: PartialEq + Debug>(what: impl Display, expected: T, seen: T) -> Verdict {
    if expected == seen {
        return Ok(());
    }
    Err(Wrong::new(format!("{what}: {expected:?}"), format!("{what}: {seen:?}")).into())
}

/// A worker stays until it is asked to leave.
///
/// # Errors
/// What the worker itself could not do.
pub fn stay(mut me: Worker) -> Verdict {
    while me.recv()?.is_some() {}
    Ok(())
}

/// What judges ask of a primary.
pub trait Events {
    /// Handles events until one answers the question.
    ///
    /// # Errors
    /// [`Wrong`], if no worker is left before: then `expected` did not happen.
    fn until<T>(
        &mut self,
        expected: &str,
        question: impl FnMut(Event) -> Option<T>,
    ) -> Result<T, Box<dyn Error>>;

    /// Asks all workers to leave, and waits until they have.
    ///
    /// # Errors
    /// What the primary itself could not do.
    fn dismiss(&mut self) -> Verdict;
}

impl Events for Primary {
    fn until<T>(
        &mut self,
        expected: &str,
        mut question: impl FnMut(Event) -> Option<T>,
    ) -> Result<T, Box<dyn Error>> {
        while let Some(event) = self.next_event()? {
            if let Some(answer) = question(event) {
                return Ok(answer);
            }
        }
        Err(Wrong::new(expected, "no worker is left").into())
    }

    fn dismiss(&mut self) -> Verdict {
        self.disconnect_all();
        while self.next_event()?.is_some() {}
        Ok(())
    }
}
