//! Ours against Node and against bare processes, in turn: `cargo bench -p cluster --bench
//! versus_node`
//!
//! Each round measures every contender once, so that a machine that changes its speed does so for
//! all of them. What is printed is the median of the rounds, and the median of the rounds' ratios.

#[path = "contenders/asked.rs"]
mod asked;
mod contenders;
#[path = "contenders/report.rs"]
mod report;

use std::time::Duration;

use asked::Asked;
use cluster::Primary;
use contenders::{Bare, Echo, end, fork_to_online, take_part};
use report::row;

const ROUNDS: usize = 9;
const ROUND_TRIPS: u64 = 10_000;
const FORKS: usize = 10;

fn main() {
    let primary = take_part();
    if !std::env::args().any(|arg| arg == "--bench") {
        return; // `cargo test --benches` only wants to know whether it starts
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/node.mjs");
    let Some(mut node) = Asked::start(std::process::Command::new("node").arg(script)) else {
        eprintln!("node is not installed: nothing to compare with");
        std::process::exit(1);
    };
    let mut echo = Echo::start(primary);
    let mut bare = Bare::start();

    let (mut ours, mut bares, mut nodes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let per_trip = |time: Duration| time.as_secs_f64() * 1e6 / ROUND_TRIPS as f64;
        ours.push(per_trip(echo.round_trips(ROUND_TRIPS)));
        bares.push(per_trip(bare.round_trips(ROUND_TRIPS)));
        nodes.push(node.number(&format!("round-trips {ROUND_TRIPS}")));
    }
    println!("message round trip, 64 bytes, us (median of {ROUNDS} rounds)");
    row("cluster", &ours, None);
    row("bare socket pair", &bares, Some(&ours));
    row("node:cluster", &nodes, Some(&ours));

    let (mut ours, mut large, mut nodes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(fork_time(&mut echo.primary));
        let ballast = vec![1u8; 1 << 30]; // every page touched
        large.push(fork_time(&mut echo.primary));
        drop(ballast);
        nodes.push(node.number(&format!("forks {FORKS}")));
    }
    println!("\nfork to online, ms (median of {ROUNDS} rounds)");
    row("cluster", &ours, None);
    row("cluster, 1 GiB in the primary", &large, Some(&ours));
    row("node:cluster", &nodes, Some(&ours));

    let pid = echo.primary.pid(echo.worker).expect("it runs");
    let ours = [resident(pid)];
    let nodes = [resident(node.number("worker-pid") as u32)];
    println!("\nresident memory of an idle worker, MiB");
    row("cluster", &ours, None);
    row("node:cluster", &nodes, Some(&ours));
}

/// The mean of some forks, in milliseconds.
fn fork_time(primary: &mut Primary) -> f64 {
    let mut once = || {
        let (worker, time) = fork_to_online(primary);
        end(primary, worker);
        time
    };
    (0..FORKS).map(|_| once().as_secs_f64() * 1e3).sum::<f64>() / FORKS as f64
}

/// Resident memory of a process, in MiB; proc(5), `VmRSS`.
fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux says it");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).expect("a number");
    kib / 1024.0
}
