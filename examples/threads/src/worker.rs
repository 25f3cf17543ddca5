//! The worker: does what it is told, on one thread or on several.

use std::io;
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use cluster::Worker;
use narrator::Outcome;
use serde::{Deserialize, Serialize};

use crate::files;
use crate::proc::Cost;
use crate::task::Task;

/// What the primary says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Make files, and remove them when the channel closes.
    KeepFiles,
    /// Do this, on so many threads.
    Work { tasks: Vec<Task>, threads: usize },
}

/// What a worker answers when all of its tasks are done.
#[derive(Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) tasks: usize,
    /// The sum of all results: the same, whoever did the work.
    pub(crate) result: u64,
    pub(crate) cost: Cost,
}

pub(crate) fn work(mut me: Worker) -> Outcome {
    while let Some(order) = me.recv()? {
        match order.parse()? {
            Order::KeepFiles => return files::keep(me),
            Order::Work { tasks, threads } => me.send(run(tasks, threads)?)?,
        }
    }
    Ok(()) // the primary asked for the end, or is gone
}

fn run(tasks: Vec<Task>, threads: usize) -> io::Result<Done> {
    let before = Cost::now()?.cpu;
    let count = tasks.len();
    let queue = Mutex::new(tasks.into_iter());
    let (result, mut cost) = match threads {
        1 => (take_tasks(&queue)?, Cost::now()?),
        _ => with_a_pool(&queue, threads)?,
    };
    cost.cpu = cost.cpu.saturating_sub(before);
    Ok(Done { tasks: count, result, cost })
}

type Queue = Mutex<std::vec::IntoIter<Task>>;

fn with_a_pool(queue: &Queue, threads: usize) -> io::Result<(u64, Cost)> {
    let barrier = Barrier::new(threads + 1);
    // ANCHOR: hand
    let hand = || {
        let result = take_tasks(queue);
        barrier.wait(); // all tasks are done,
        barrier.wait(); // and counted while all threads are still there
        result
    };
    // ANCHOR_END: hand
    thread::scope(|scope| {
        let hands: Vec<_> = (0..threads).map(|_| scope.spawn(hand)).collect();
        barrier.wait();
        let cost = Cost::now();
        barrier.wait();
        let mut sum = 0_u64;
        for hand in hands {
            let result = hand.join().map_err(|_| io::Error::other("panic"))?;
            sum = sum.wrapping_add(result?);
        }
        Ok((sum, cost?))
    })
}

/// What each thread does: takes a task, as long as there is one.
fn take_tasks(queue: &Queue) -> io::Result<u64> {
    let mut sum = 0_u64;
    while let Some(task) = next(queue) {
        sum = sum.wrapping_add(task.run()?);
    }
    Ok(sum)
}

/// Holds the lock no longer than it takes to take one.
fn next(queue: &Queue) -> Option<Task> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_comes_to_the_same_result_as_one_thread() {
        let tasks = || vec![Task::Primes(0..50), Task::Primes(50..100)];
        for threads in [1, 2, 5] {
            let done = run(tasks(), threads).unwrap();
            assert_eq!((done.tasks, done.result), (2, 25), "{threads}");
            assert!(done.cost.threads as usize >= threads, "{threads}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_and_no_deadlock() {
        let lost = || vec![Task::Hash("/nowhere".into(), 0..1)];
        assert!(run(lost(), 1).is_err() && run(lost(), 3).is_err());
    }
}
