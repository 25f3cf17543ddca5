//! TCP does the same with its segments, and calls it reassembly.

use std::collections::BTreeMap;

pub fn came(
    part: u64,
    answer: u64,
    next: &mut u64,
    kept: &mut BTreeMap<u64, u64>,
) -> Vec<u64> {
    kept.insert(part, answer);
    let mut told = Vec::new();
    while let Some(answer) = kept.remove(next) {
        told.push(answer);
        *next += 1;
    }
    told
}
