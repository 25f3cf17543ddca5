//! The environment is all that a worker brings along into its life.

use cluster::{Error, Primary, Settings, available_parallelism};

pub fn fill_the_seats(primary: &mut Primary) -> Result<(), Error> {
    for seat in 0..available_parallelism() {
        primary.fork_with(Settings::new().env("SEAT", seat.to_string()))?;
    }
    Ok(())
}
