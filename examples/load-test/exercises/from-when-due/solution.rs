//! When it was sent does not matter at all.

pub fn latencies(every: u64, sent: &[u64], answered: &[u64]) -> Vec<u64> {
    let due = (0..sent.len() as u64).map(|number| number * every);
    due.zip(answered).map(|(due, answered)| answered - due).collect()
}
