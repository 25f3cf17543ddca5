//! What has two meanings, a number or `max`, becomes an `Option` first.

pub fn workers(cpu_max: &str, allowed: usize) -> usize {
    match limit(cpu_max) {
        Some(limit) => limit.clamp(1, allowed),
        None => allowed,
    }
}

fn limit(cpu_max: &str) -> Option<usize> {
    let (quota, period) = cpu_max.trim().split_once(' ')?;
    let quota: usize = quota.parse().ok()?;
    quota.checked_div(period.parse().ok()?)
}
