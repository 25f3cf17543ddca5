//! All are started before the first is joined; joining in order keeps the
//! order.

use std::panic::resume_unwind;
use std::thread;

pub fn map(numbers: &[u64], threads: usize, work: fn(u64) -> u64) -> Vec<u64> {
    thread::scope(|scope| {
        let mut parts = Vec::new();
        for part in numbers.chunks(numbers.len() / threads) {
            let each = move || part.iter().copied().map(work).collect();
            parts.push(scope.spawn(each));
        }
        let mut results: Vec<u64> = Vec::new();
        for part in parts {
            let part: Vec<u64> =
                part.join().unwrap_or_else(|it| resume_unwind(it));
            results.extend(part);
        }
        results
    })
}
