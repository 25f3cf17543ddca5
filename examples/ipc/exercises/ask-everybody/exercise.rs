//! Make: ask every worker, and collect the answers.
//!
//! In the end `ask_everybody` has sent `question` to every worker, as a bare
//! text, and returns what each of them answered, which is a text, too. They
//! think for different times, so the answers come in any order.
//!
//! These help: `Primary::workers`, `send` and `next_event`, `Message::parse`.
//! See `cargo doc -p cluster --no-deps --open`

use std::collections::BTreeMap;

use cluster::{Error, Event, Primary, WorkerId};

pub fn ask_everybody(
    primary: &mut Primary,
    question: &str,
) -> Result<BTreeMap<WorkerId, String>, Error> {
    todo!("send the question to every worker, then wait for each answer")
}
