//! The list of workers is collected first: sending changes the primary.

use cluster::{Error, Primary, WorkerId};

pub fn tell_others(
    primary: &mut Primary,
    but: WorkerId,
    text: &str,
) -> Result<(), Error> {
    let others = primary.workers().filter(|&worker| worker != but);
    for worker in others.collect::<Vec<_>>() {
        primary.send(worker, text)?;
    }
    Ok(())
}
