//! A circle is a line whose numbers are taken modulo its length.

pub fn choose(waits: &[bool], last: usize) -> Option<usize> {
    let circle = (1..=waits.len()).map(|step| (last + step) % waits.len());
    circle.into_iter().find(|&worker| waits[worker])
}
