//! Make: tell results in order, and each as soon as it can be told.
//!
//! Parts of a task are numbered from 0. Their answers come in any order, one
//! with each call of `came`. `next` is the part that is told next; `kept` is
//! for answers that came too early. In the end each call returns what can be
//! told now: the answers of `next` and the parts after it, as many as are
//! there.
//!
//! If part 1 comes first, `came` returns nothing. If part 0 comes then, it
//! returns both. The caller keeps `next` and `kept` from one call to another.

use std::collections::BTreeMap;

pub fn came(
    part: u64,
    answer: u64,
    next: &mut u64,
    kept: &mut BTreeMap<u64, u64>,
) -> Vec<u64> {
    todo!("keep the answer, then take out what is next, as long as it is there")
}
