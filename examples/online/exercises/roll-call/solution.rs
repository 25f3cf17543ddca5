//! Two lists: who is awaited, and who has come.

use cluster::{Error, Event, Primary, WorkerId};

pub fn roll_call(primary: &mut Primary) -> Result<Vec<WorkerId>, Error> {
    let mut awaited: Vec<WorkerId> = primary.workers().collect();
    let mut present = Vec::new();
    while !awaited.is_empty() {
        match primary.next_event()? {
            Some(Event::Online(worker)) => {
                awaited.retain(|&it| it != worker);
                present.push(worker);
            }
            Some(Event::Exit { worker, .. }) => {
                awaited.retain(|&it| it != worker);
            }
            Some(_) => {}
            None => break,
        }
    }
    present.sort_unstable();
    Ok(present)
}
