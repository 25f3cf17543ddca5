//! A run: threads that ask, and a bar that shows how far they are.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use nix::sys::resource::{UsageWho, getrusage};

use crate::client::{Client, Plan};
use crate::tally::Tally;
use crate::target::Target;
use crate::{Args, Result};

/// Set by Ctrl-C where `--url` runs: then a run ends early.
pub(crate) static STOP: AtomicBool = AtomicBool::new(false);

type Sendable<T> = std::result::Result<T, String>;

/// Loads the target, as the flags say.
pub(crate) fn run(target: &Target, args: &Args) -> Sendable<Tally> {
    load(target, args).map_err(|error| error.to_string())
}

fn load(target: &Target, args: &Args) -> Result<Tally> {
    let start = Instant::now();
    let plan = Plan {
        target: target.clone(),
        keep_alive: !args.no_keep_alive,
        end: start + args.duration,
        left: AtomicU64::new(args.requests.unwrap_or(u64::MAX)),
        done: AtomicU64::new(0),
        over: AtomicBool::new(false),
    };
    let threads = args.threads.min(args.connections) as usize;
    let every = args.rate.map(|rate| threads as f64 / rate);
    let every = every.map(Duration::from_secs_f64);
    let before = cpu_time()?;
    let mut tally = Tally::new()?;
    thread::scope(|scope| -> Result<()> {
        let mut asking = Vec::new();
        for number in 0..threads {
            let share = args.connections as usize;
            let share = share / threads + usize::from(number < share % threads);
            let plan = &plan;
            let ask = move || {
                let client = Client::new(plan, share, every);
                let run = client.and_then(Client::run);
                run.map_err(|error| error.to_string())
            };
            asking.push(scope.spawn(ask));
        }
        watch(&plan, start, args, || asking.iter().all(|it| it.is_finished()));
        for thread in asking {
            match thread.join() {
                Ok(measured) => tally.add(&measured?),
                Err(_) => return Err("a thread that asks panicked".into()),
            }
        }
        Ok(())
    })?;
    tally.took = start.elapsed();
    tally.own_cpu = cpu_time()?.saturating_sub(before);
    Ok(tally)
}

fn watch(plan: &Plan, start: Instant, args: &Args, over: impl Fn() -> bool) {
    let bar = ProgressBar::new(args.duration.as_millis() as u64); // on a terminal
    let style = "visitor   asks {bar:30} {elapsed} {msg}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    while !over() {
        if STOP.load(Relaxed) {
            plan.over.store(true, Relaxed);
        }
        bar.set_position(start.elapsed().as_millis() as u64);
        bar.set_message(format!("{} answers", plan.done.load(Relaxed)));
        // For the eye only; the threads end by themselves.
        thread::sleep(Duration::from_millis(20));
    }
    bar.finish_and_clear();
}

/// What this process, which asks, has used so far.
fn cpu_time() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let times = [usage.user_time(), usage.system_time()];
    let us = |time: &nix::sys::time::TimeVal| {
        time.tv_sec() * 1_000_000 + time.tv_usec()
    };
    let all: i64 = times.iter().map(us).sum();
    Ok(Duration::from_micros(all.unsigned_abs()))
}
