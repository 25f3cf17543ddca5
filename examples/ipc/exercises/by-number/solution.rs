//! A number goes with the question and comes back with the answer.

use cluster::{Error, Event, Primary, WorkerId};

pub fn products(
    primary: &mut Primary,
    worker: WorkerId,
    pairs: &[(u64, u64); 3],
) -> Result<[u64; 3], Error> {
    for (number, (a, b)) in pairs.iter().enumerate() {
        primary.send(worker, (number, a, b))?;
    }
    let mut products = [0; 3];
    let mut missing = pairs.len();
    while missing > 0 {
        match primary.next_event()? {
            Some(Event::Message(from, answer)) if from == worker => {
                let (number, product): (usize, u64) = answer.parse()?;
                products[number] = product;
                missing -= 1;
            }
            Some(_) => {}
            None => break, // nobody will answer any more
        }
    }
    Ok(products)
}
