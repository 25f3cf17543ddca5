//! How much memory a process under attack takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use cluster::Signal;

use crate::harness::send_signal;

/// The most that an attack may make it take, in KiB.
pub const MOST: u64 = 64 * 1024;
/// Whoever takes more, in KiB, has failed already, and is ended before others suffer.
const FAR_TOO_MUCH: u64 = 768 * 1024;

/// Watches a process.
pub struct Watch {
    over: Arc<AtomicBool>,
    most: JoinHandle<u64>,
}

impl Watch {
    pub fn over(pid: i32) -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let most = std::thread::spawn(move || {
            let mut most = 0;
            while !until.load(Relaxed) {
                most = peak(pid).unwrap_or(most); // it may be gone
                if most > FAR_TOO_MUCH {
                    send_signal(pid, Signal::SIGKILL);
                }
                std::thread::sleep(Duration::from_millis(2)); // looks again
            }
            most
        });
        Watch { over, most }
    }

    /// Asserts that it never took more than it may.
    #[track_caller]
    pub fn took_little(self, what: &str) {
        self.over.store(true, Relaxed);
        let most = self.most.join().unwrap();
        println!("{what}: {:.1} MiB at most", most as f64 / 1024.0);
        assert!(most < MOST, "{what} took {most} KiB, not less than {MOST}");
    }
}

/// The most that was ever resident, in KiB.
fn peak(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
