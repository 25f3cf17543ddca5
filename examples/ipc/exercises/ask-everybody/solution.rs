//! Ask all of them first, so that they think at the same time.

use std::collections::BTreeMap;

use cluster::{Error, Event, Primary, WorkerId};

pub fn ask_everybody(
    primary: &mut Primary,
    question: &str,
) -> Result<BTreeMap<WorkerId, String>, Error> {
    let workers: Vec<WorkerId> = primary.workers().collect();
    for &worker in &workers {
        primary.send(worker, question)?;
    }
    let mut answers = BTreeMap::new();
    while answers.len() < workers.len() {
        match primary.next_event()? {
            Some(Event::Message(worker, answer)) => {
                answers.insert(worker, answer.parse()?);
            }
            Some(_) => {} // a worker is online, for example
            None => break,
        }
    }
    Ok(answers)
}
