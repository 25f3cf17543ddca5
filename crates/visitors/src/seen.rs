//! What a visitor saw.

use std::fmt;
use std::time::Duration;

use crate::{Answer, Trouble};

/// What a visitor saw of one request.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The answer, or what came instead.
    pub result: Result<Answer, Trouble>,
    /// How long it took: from coming, or from asking where the connection was there already, to the end of the
    /// answer or the trouble.
    pub latency: Duration,
}

impl Seen {
    /// Who answered; see [`Answer::worker`].
    pub fn worker(&self) -> Option<u32> {
        self.result.as_ref().ok()?.worker()
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(answer) => match answer.worker() {
                Some(worker) => write!(f, "{} from worker {worker}", answer.status)?,
                None => write!(f, "{}", answer.status)?,
            },
            Err(trouble) => write!(f, "{trouble}")?,
        }
        write!(f, " after {:.1} ms", self.latency.as_secs_f64() * 1000.0)
    }
}
