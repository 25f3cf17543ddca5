//! The CPUs of this machine, as Node's `os.cpus()` has them: /proc/cpuinfo and
//! /proc/stat.

use std::collections::HashMap;
use std::fmt::Write;
use std::{fs, io};

use nix::unistd::{SysconfVar, sysconf};

/// With this many CPUs, those of the same model share a row.
const TOO_MANY_ROWS: usize = 64;

/// One CPU.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cpu {
    number: usize,
    model: String,
    /// Milliseconds since the machine started, in the order of [`TIMES`].
    times: [u64; 5],
}

const TIMES: [&str; 5] = ["user", "nice", "sys", "idle", "irq"];

/// The CPUs of this machine.
pub(crate) fn cpus() -> io::Result<Vec<Cpu>> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let stat = fs::read_to_string("/proc/stat")?;
    let ticks = sysconf(SysconfVar::CLK_TCK)?.unwrap_or(100);
    Ok(parse(&cpuinfo, &stat, ticks.unsigned_abs()))
}

fn parse(cpuinfo: &str, stat: &str, ticks_per_second: u64) -> Vec<Cpu> {
    let models = models(cpuinfo);
    let cpu = |line: &str| {
        // cpu0 user nice system idle iowait irq softirq ...; in ticks
        let (number, ticks) = line.strip_prefix("cpu")?.split_once(' ')?;
        let number = number.parse().ok()?; // "cpu" alone is their sum
        let ticks: Vec<u64> =
            ticks.split_whitespace().map_while(|t| t.parse().ok()).collect();
        let &[user, nice, sys, idle, _iowait, irq, ..] = &ticks[..] else {
            return None;
        };
        let times = [user, nice, sys, idle, irq]
            .map(|ticks| ticks.saturating_mul(1000) / ticks_per_second.max(1));
        let model = models.get(&number).cloned();
        Some(Cpu { number, model: model.unwrap_or("unknown".into()), times })
    };
    stat.lines().filter_map(cpu).collect()
}

/// The model of each CPU. Every architecture names it in its own way.
fn models(cpuinfo: &str) -> HashMap<usize, String> {
    let mut models = HashMap::new();
    let mut number = None;
    for line in cpuinfo.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        let model = match key.trim() {
            "processor" => {
                number = value.parse().ok();
                continue;
            }
            "model name" | "cpu model" | "uarch" | "cpu" => value.to_owned(),
            "CPU part" => arm_part(value),
            _ => continue,
        };
        if let (Some(number), false) = (number, model.is_empty()) {
            models.entry(number).or_insert(model);
        }
    }
    models
}

/// 64-bit ARM has no "model name", only the number of the part.
fn arm_part(number: &str) -> String {
    let name = match number {
        "0xd03" => "Cortex-A53",
        "0xd07" => "Cortex-A57",
        "0xd08" => "Cortex-A72",
        "0xd0b" => "Cortex-A76",
        "0xd0c" => "Neoverse-N1",
        "0xd40" => "Neoverse-V1",
        "0xd49" => "Neoverse-N2",
        "0xd4f" => "Neoverse-V2",
        _ => return format!("ARM part {number}"),
    };
    name.to_owned()
}

/// The models, and below them what each CPU did so far.
pub(crate) fn table(cpus: &[Cpu]) -> String {
    let mut groups: Vec<(&str, Vec<&Cpu>)> = Vec::new();
    for cpu in cpus {
        match groups.iter_mut().find(|(model, _)| *model == cpu.model) {
            Some((_, group)) => group.push(cpu),
            None => groups.push((&cpu.model, vec![cpu])),
        }
    }
    let mut table = String::new();
    for (model, group) in &groups {
        let numbers = named(group.iter().map(|cpu| cpu.number));
        table += &format!("{numbers:<13} {model}\n");
    }
    row(&mut table, "ms spent in", TIMES);
    if cpus.len() < TOO_MANY_ROWS {
        for cpu in cpus {
            row(&mut table, &format!("CPU {}", cpu.number), cpu.times);
        }
    } else {
        for (_, group) in &groups {
            let sum = |at| group.iter().map(|cpu| cpu.times[at]).sum::<u64>();
            let label = format!("{} CPUs", group.len());
            row(&mut table, &label, [0, 1, 2, 3, 4].map(sum));
        }
    }
    table
}

fn row<T: std::fmt::Display>(table: &mut String, label: &str, cells: [T; 5]) {
    *table += &format!("{label:<13}");
    for cell in cells {
        // Writing into a String cannot fail.
        let _ = write!(table, " {cell:>12}");
    }
    table.push('\n');
}

/// CPUs by their numbers, which ascend: `CPU 3`, `CPUs 0-3, 8`.
pub(crate) fn named(numbers: impl IntoIterator<Item = usize>) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let several = !matches!(ranges[..], [(first, last)] if first == last);
    let range = |(first, last): &(usize, usize)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}-{last}"),
    };
    let list = ranges.iter().map(range).collect::<Vec<_>>().join(", ");
    format!("CPU{} {list}", if several { "s" } else { "" })
}

#[cfg(test)]
#[path = "proc_tests.rs"]
mod tests;
