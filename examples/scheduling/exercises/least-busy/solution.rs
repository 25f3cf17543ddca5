//! `min_by_key` keeps the first of several equal ones: the circle's order
//! counts.

pub fn choose(open: &[u32], last: usize) -> usize {
    let circle = (1..=open.len()).map(|step| (last + step) % open.len());
    circle.min_by_key(|&worker| open[worker]).unwrap_or(last)
}
