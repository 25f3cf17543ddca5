//! Modify: not whose turn it is, but who has least to do.
//!
//! `open` says how many connections each worker has open; `last` got the last
//! one. Below, the next worker gets the next connection, however busy it is. In
//! the end it is a worker with as few open connections as any; among several
//! such workers, the first after `last`, going round the circle.
//!
//! nginx calls this `least_conn`.

pub fn choose(open: &[u32], last: usize) -> usize {
    todo!("look for the worker that has fewest connections open");
    (last + 1) % open.len()
}
