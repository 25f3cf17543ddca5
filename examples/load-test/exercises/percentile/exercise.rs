//! Make: how long did nine of ten visitors wait at most?
//!
//! `sorted` has a latency for each request, in ascending order. In the end
//! `percentile` returns the smallest of them that at least `percent` percent of
//! all do not exceed: with 90, nine of ten waited that long or less. `percent`
//! is from 1 to 100. Of no latencies there is none.
//!
//! Page `load-test` says why the mean hides what this shows.

pub fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    todo!("how many of them is that? then take the last of so many")
}
