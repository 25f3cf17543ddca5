//! Make: whose turn is it?
//!
//! Workers stand in a circle, with numbers from 0. `waits` says for each
//! whether it waits for a connection; `last` had the last one. In the end
//! `choose` returns who gets the next one: the first after `last`, going round
//! the circle, that waits. If nobody else waits it is the turn of `last`
//! itself, and `None` if that does not wait either.
//!
//! Page `scheduling` shows what comes of it.

pub fn choose(waits: &[bool], last: usize) -> Option<usize> {
    todo!("go round the circle once, and find who waits")
}
