//! Modify: measure what the visitor feels.
//!
//! A visitor wants to ask every `every` milliseconds, first at 0. When the
//! server is slow, it asks later than it wants: `sent` says when it did,
//! `answered` when the answer came. Below, a latency begins when the question
//! was sent, and the time before that is hidden. In the end it begins when the
//! question was due.
//!
//! Page `load-test` calls the difference coordinated omission.

pub fn latencies(every: u64, sent: &[u64], answered: &[u64]) -> Vec<u64> {
    let mut latencies = Vec::new();
    for (number, (sent, answered)) in sent.iter().zip(answered).enumerate() {
        todo!("begin when the question was due");
        latencies.push(answered - sent);
    }
    latencies
}
