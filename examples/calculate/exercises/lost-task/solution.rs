//! Who gives something out keeps a note of who has it.

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
                if let Some(task) = in_hand.remove(&worker) {
                    waiting.push_front(task);
                }
                primary.fork()?;
                continue; // it gets a task when it is online
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
