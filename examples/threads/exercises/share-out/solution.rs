//! All are started before the first is joined; joining in order keeps the order.

use std::thread;

pub fn map(numbers: &[u64], threads: usize, work: fn(u64) -> u64) -> Vec<u64> {
    let (least, rest) = (numbers.len() / threads, numbers.len() % threads);
    let mut left = numbers;
    thread::scope(|scope| {
        let mut parts = Vec::new();
        for thread in 0..threads {
            let length = least + usize::from(thread < rest);
            let (part, others) = left.split_at(length);
            left = others;
            let each = move || part.iter().copied().map(work).collect();
            parts.push(scope.spawn(each));
        }
        let join = |part: thread::ScopedJoinHandle<'_, Vec<u64>>| {
            part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        parts.into_iter().flat_map(join).collect()
    })
}
