//! Modify: a worker dies, and its task is not lost.
//!
//! The primary below gives each worker one task, and the next one for each
//! answer. It works as long as nobody dies. In the end a task whose worker has
//! died is given to another one, and the dead worker is replaced, so that all
//! answers come in, whoever dies.
//!
//! These help: `in_hand`, which says who has which task; page `calculate`.

use std::collections::{BTreeMap, VecDeque};

use cluster::{Error, Event, Primary};

/// The answer to each task.
pub fn calculate(
    primary: &mut Primary,
    tasks: &[u64],
) -> Result<BTreeMap<u64, u64>, Error> {
    let mut waiting: VecDeque<u64> = tasks.iter().copied().collect();
    let mut in_hand = BTreeMap::new();
    let mut answers = BTreeMap::new();
    while answers.len() < tasks.len() {
        let free = match primary.next_event()? {
            Some(Event::Online(worker)) => worker,
            Some(Event::Message(worker, answer)) => {
                let task = in_hand.remove(&worker);
                answers.insert(task.unwrap_or_default(), answer.parse()?);
                worker
            }
            Some(Event::Exit { worker, .. }) => {
                todo!("put its task back, and replace the worker")
            }
            Some(_) => continue,
            None => break,
        };
        if let Some(task) = waiting.pop_front() {
            in_hand.insert(free, task);
            primary.send(free, task)?;
        }
    }
    Ok(answers)
}
