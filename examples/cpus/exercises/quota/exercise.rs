//! Make: how many workers in a container?
//!
//! A container may have all CPUs, but only a part of their time. Its file
//! `cpu.max` says how much: `150000 100000` means 150 ms of CPU time in each
//! 100 ms, so one CPU and a half; `max 100000` means no limit. In the end
//! `workers` says how many workers are worth while: as many as the time is
//! enough for, rounded down, at least 1, and never more than `allowed`. What
//! cannot be read is no limit.
//!
//! Page `cpus` tells more about containers.

pub fn workers(cpu_max: &str, allowed: usize) -> usize {
    todo!("read the two numbers of `cpu_max`, and divide")
}
