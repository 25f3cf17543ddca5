//! Make: one worker for each CPU, and each knows its seat.
//!
//! In the end as many workers run as this process may use CPUs, no more and no
//! fewer. Each finds the number of its seat in its environment variable `SEAT`:
//! the first one 0, the second one 1, and so on.
//!
//! These help: `cluster::available_parallelism` (page `cpus`),
//! `Primary::fork_with` and `Settings::env`. See
//! `cargo doc -p cluster --no-deps --open`

use cluster::{Error, Primary};

pub fn fill_the_seats(primary: &mut Primary) -> Result<(), Error> {
    todo!("fork a worker for each CPU, and tell each its number in `SEAT`")
}
