//! The program on the crate's front page (`crates/cluster/examples/server.rs`), and workers of it
//! that die: one after the other, at birth, and just before the end. This binary is that program,
//! if the environment says so.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;

use crate::crowd::{Asks, Crowd};
use crate::length::length;
use crate::lesson::Folder;
use crate::proc;
use crate::support::{IN_TIME, Run, SOON};
use crate::trials::trial;
use crate::victim::kill_worker;

#[path = "../../crates/cluster/examples/server.rs"]
mod server;

/// `serves`, or a file in which each worker notes when it was born, and dies.
const PART: &str = "BAD_DAYS_PART";
const SERVES: &str = "serves";
const WORKERS: usize = 4;

pub fn tests() -> Vec<Trial> {
    vec![
        trial("with_one_of_four_killed_again_and_again_three_and_a_half_live", one_after_the_other),
        trial("workers_that_die_at_birth_are_forked_twelve_times_a_minute", at_birth),
        trial("a_worker_that_dies_just_before_sigterm_costs_its_own_clients_only", before_the_end),
    ]
}

/// Is the program, if this process is to be it.
pub fn is_the_program() -> Option<ExitCode> {
    let part = std::env::var_os(PART)?;
    if part == SERVES || !cluster::is_worker() {
        return Some(server::main());
    }
    let line = format!("{}\n", now().as_millis());
    let file = fs::OpenOptions::new().append(true).open(part);
    let noted = file.and_then(|mut file| file.write_all(line.as_bytes()));
    Some(ExitCode::from(if noted.is_ok() { 7 } else { 8 }))
}

/// Since the machine was started, to a hundredth of a second: the same clock in every process.
fn now() -> Duration {
    let text = fs::read_to_string("/proc/uptime").expect("proc_uptime(5)");
    let seconds = text.split(' ').next().and_then(|it| it.parse().ok());
    Duration::from_secs_f64(seconds.expect("seconds"))
}

fn start(part: &str, workers: usize) -> Run {
    let mut command = Command::new("sh");
    // What it says on stderr is waited for.
    command.args(["-c", "exec \"$0\" \"$@\" 2>&1"]).arg(std::env::current_exe().expect("a path"));
    Run::of(command.args(["0", &workers.to_string()]).env(PART, part))
}

/// A server, and where.
fn serves() -> (Run, SocketAddr) {
    let run = start(SERVES, WORKERS);
    let lines = run.wait_for_lines(WORKERS, "listens on", IN_TIME);
    let address = lines[0].rsplit(' ').next().and_then(|it| it.parse().ok());
    (run, address.expect("an address"))
}

fn one_after_the_other() {
    let (run, address) = serves();
    let crowd = Crowd::start(address, &[Asks::Nothing; 4], Duration::from_millis(10), IN_TIME);
    let (begin, length) = (Instant::now(), length());
    let (mut next, mut kills) = (begin + length.between_kills, Vec::new());
    let (mut sum, mut samples, mut least) = (0, 0, usize::MAX);
    while begin.elapsed() < length.killing {
        let alive = proc::children(run.pid());
        sum += alive.len();
        samples += 1;
        least = least.min(alive.len());
        if Instant::now() > next && !alive.is_empty() {
            kills.push(kill_worker(alive[0], address.port())); // the oldest
            next += length.between_kills;
        }
        thread::sleep(Duration::from_millis(20)); // looks again
    }
    let lives = proc::lives(run.pid());
    let visits = crowd.leave();
    let failed = || visits.iter().filter(|it| it.answer.is_err());
    let lost = failed().filter(|visit| !kills.iter().any(|kill| kill.excuses(visit))).count();
    let average = sum as f64 / samples as f64;
    let (killed, asked, failed) = (kills.len(), visits.len(), failed().count());
    let figures = format!(
        "{killed} killed in {:?}: {average:.2} of {WORKERS} alive on average, {least} at least; \
         {asked} asked, {failed} failed, {lost} of them in nobody's hands",
        length.killing
    );
    println!("{figures}");
    assert!(lives, "the primary is gone: {figures}");
    assert!(average >= 3.5, "{figures}");
    assert_eq!(lost, 0, "{figures}");
    run.signal(Signal::SIGTERM);
    assert!(run.finish(IN_TIME).status.success());
    run.assert_nothing_left(SOON);
}

/// Two slots, each of which waits 0.1 s, 0.2 s, 0.4 s and so on, up to 10 s.
fn at_birth() {
    const SLOTS: usize = 2;
    let folder = Folder::new();
    let notes = folder.0.join("births");
    fs::write(&notes, "").expect("a file");
    let begin = now();
    let run = start(notes.to_str().expect("a name in ASCII"), SLOTS);
    let time = length().births;
    thread::sleep(time);
    let births = fs::read_to_string(&notes).expect("they can be read");
    let births = births.lines().filter_map(|line| line.parse().ok()).map(Duration::from_millis);
    let after: Vec<Duration> = births.map(|it| it - begin).filter(|it| *it < time).collect();
    let seconds: Vec<String> = after.iter().map(|it| format!("{:.1}", it.as_secs_f64())).collect();
    println!("{} births in {SLOTS} slots, after seconds: {}", after.len(), seconds.join(" "));
    assert!(proc::lives(run.pid()), "the primary is gone: {seconds:?}");
    let mut due = Duration::ZERO;
    for (number, births) in after.chunks(SLOTS).enumerate() {
        assert!(
            births[0] + Duration::from_millis(10) >= due,
            "birth {number} before {due:?}: {seconds:?}"
        );
        due += Duration::from_millis(100 << number).min(Duration::from_secs(10));
    }
    // Waits may be half as long again by chance, and a busy machine takes its time.
    assert!(due > time.mul_f64(0.4), "too few: {seconds:?}");
    assert!(after.len() <= 12 * SLOTS, "too many: {seconds:?}");
    run.signal(Signal::SIGTERM);
    let output = run.finish(IN_TIME);
    assert!(output.status.success(), "{output:#?}");
}

fn before_the_end() {
    let (mut asked, mut in_flight, mut lost, mut unclean) = (0, 0, 0, Vec::new());
    let rounds = length().deaths_before_the_stop;
    for round in 0..rounds {
        let (run, address) = serves();
        let crowd = Crowd::start(address, &[Asks::Nothing; 8], Duration::ZERO, IN_TIME);
        crowd.wait_for_answers(50 + 10 * round);
        let victim = proc::children(run.pid())[round % WORKERS];
        let kill = kill_worker(victim, address.port());
        let signalled = Instant::now();
        run.signal(Signal::SIGTERM);
        let output = run.finish(IN_TIME);
        // Which of the two signals is acted on first is the machine's choice. A worker that dies a
        // moment after the stop has begun is a death during the stop, and told as one.
        let during = format!("{output:?}").contains("SIGKILL while the service stopped");
        if output.status.success() == during {
            unclean.push(output);
        }
        let visits = crowd.leave();
        let before = visits.iter().filter(|it| it.written.is_some_and(|at| at < signalled));
        for visit in before {
            asked += 1;
            in_flight += usize::from(visit.ended > signalled);
            lost += usize::from(visit.answer.is_err() && !kill.excuses(visit));
        }
        run.assert_nothing_left(SOON);
    }
    let figures = format!(
        "{rounds} deaths just before the stop: {} with a wrong exit code; {asked} had asked, {in_flight} of \
         them in flight, {lost} lost outside the dead worker's hands",
        unclean.len()
    );
    println!("{figures}");
    assert!(unclean.is_empty(), "{figures}\n{:#?}", unclean[0]);
    assert_eq!(lost, 0, "{figures}");
}
