//! Modify: share out a pile of work, and leave nothing over.
//!
//! The lesson throws a pile of dice with several workers. Below, each gets
//! the same share, but 10 throws for 3 workers are 3 for each, and one is lost.
//! In the end every throw belongs to somebody, and no worker has more than one
//! throw more than another.

pub fn shares(throws: u64, workers: u64) -> Vec<u64> {
    let share = throws / workers;
    todo!("give the throws that are left over to somebody");
    (0..workers).map(|_| share).collect()
}
