//! What a process costs, as the kernel counts it.

use std::time::Duration;
use std::{fs, io};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

/// What one process costs, or several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// CPU time of the process so far: its own (user), and the kernel's (sys).
    pub(crate) cpu: Duration,
    pub(crate) processes: u64,
    pub(crate) threads: u64,
    /// Memory that it has mapped, in KiB. Pages that it shares count in full.
    pub(crate) rss: u64,
    /// The same, but a page shared by three counts a third for each.
    pub(crate) pss: u64,
}

impl Cost {
    /// What this process costs, at this moment.
    pub(crate) fn now() -> io::Result<Cost> {
        let usage = getrusage(UsageWho::RUSAGE_SELF)?;
        let status = fs::read_to_string("/proc/self/status")?;
        let memory = fs::read_to_string("/proc/self/smaps_rollup")?;
        Ok(Cost {
            cpu: duration(usage.user_time()) + duration(usage.system_time()),
            processes: 1,
            threads: number_after(&status, "Threads:")?,
            rss: number_after(&memory, "Rss:")?,
            pss: number_after(&memory, "Pss:")?,
        })
    }

    /// Both together.
    pub(crate) fn and(self, other: Cost) -> Cost {
        Cost {
            cpu: self.cpu + other.cpu,
            processes: self.processes + other.processes,
            threads: self.threads + other.threads,
            rss: self.rss + other.rss,
            pss: self.pss + other.pss,
        }
    }
}

/// The number in the line that begins with this word.
fn number_after(text: &str, word: &str) -> io::Result<u64> {
    let number = |line: &str| {
        line.strip_prefix(word)?.split_whitespace().next()?.parse().ok()
    };
    text.lines().find_map(number).ok_or_else(|| {
        io::Error::other(format!("/proc has no line `{word} NUMBER`"))
    })
}

fn duration(time: TimeVal) -> Duration {
    let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
    Duration::from_micros(micros.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLLUP: &str = "\
55fe9262d000-7ffdcb565000 ---p 00000000 00:00 0                      [rollup]
Rss:                1772 kB
Pss:                 303 kB
Pss_Dirty:           116 kB
SwapPss:               7 kB
";

    #[test]
    fn a_number_is_found_by_the_whole_word_before_it() {
        assert_eq!(number_after(ROLLUP, "Rss:").unwrap(), 1772);
        assert_eq!(number_after(ROLLUP, "Pss:").unwrap(), 303);
        let status = "Name:\tthreads\nThreads:\t5\nSigQ:\t0/3\n";
        assert_eq!(number_after(status, "Threads:").unwrap(), 5);
    }

    #[test]
    fn what_is_not_there_is_an_error_that_names_it() {
        for text in ["", "Pss:\n", "Pss: many kB\n", "MyPss: 1 kB"] {
            let error = number_after(text, "Pss:").unwrap_err().to_string();
            assert!(error.contains("`Pss: NUMBER`"), "{error}");
        }
    }

    #[test]
    fn this_process_costs_something() {
        let cost = Cost::now().unwrap();
        assert!(cost.threads >= 1 && cost.rss >= cost.pss, "{cost:?}");
        assert_eq!(cost.and(cost).rss, 2 * cost.rss);
        assert_eq!(cost.and(cost).processes, 2);
    }

    #[test]
    fn a_time_is_seconds_and_microseconds() {
        let time = duration(TimeVal::new(2, 34));
        assert_eq!(time, Duration::from_micros(2_000_034));
    }
}
