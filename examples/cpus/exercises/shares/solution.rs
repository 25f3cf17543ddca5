//! The rest is smaller than the number of workers: one more for the first ones.

pub fn shares(throws: u64, workers: u64) -> Vec<u64> {
    let (share, rest) = (throws / workers, throws % workers);
    (0..workers).map(|worker| share + u64::from(worker < rest)).collect()
}
