//! A program of ours as a worker of a stock Node primary: it does its part, or says why it cannot.
//! A test target of each lesson that serves by itself, and of the runner.

mod support;
#[path = "support/times.rs"]
mod times;
#[path = "support/trials.rs"]
mod trials;

use std::collections::BTreeSet;
use std::process::{Command, ExitCode};
use std::time::Instant;

use libtest_mimic::{Arguments, Trial};
use nix::sys::signal::Signal;
use support::{IN_TIME, Run, SOON, lesson_file, root};
use trials::{needing_node, trial};
use visitors::{Seen, Visitor};

const PROGRAM: &str = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));

fn main() -> ExitCode {
    let about = |policy| match env!("CARGO_PKG_NAME") {
        "http-server" => vec![trial(format!("it_says_why_it_cannot_under_{policy}"), move || {
            refuses(policy, 1, "`scheduling` can");
        })],
        "main-runner" => {
            vec![trial(format!("the_runner_is_no_worker_under_{policy}"), move || {
                refuses(policy, 2, "cargo build -p scheduling");
            })]
        }
        _ => vec![
            trial(format!("two_of_it_serve_and_leave_under_{policy}"), move || {
                serve_and_leave(policy, [PROGRAM, PROGRAM], [Some(1), Some(2)]);
            }),
            trial(format!("it_shares_a_port_with_node_under_{policy}"), move || {
                serve_and_leave(policy, [PROGRAM, "node"], [Some(1), None]);
            }),
        ],
    };
    let trials: Vec<Trial> = ["rr", "none"].into_iter().flat_map(about).collect();
    libtest_mimic::run(&Arguments::from_args(), needing_node(trials)).exit_code()
}

/// Ten lines of Node fork these programs and leave all else as it is.
fn under_node(policy: &str, programs: [&str; 2]) -> Run {
    Run::of(
        Command::new("node")
            .arg(root().join("tests/ten-lines.mjs"))
            .args(programs)
            .env("SERVER", lesson_file("polyglot", "server.mjs"))
            .env("NODE_CLUSTER_SCHED_POLICY", policy)
            .env_remove("PORT"),
    )
}

fn serve_and_leave(policy: &str, programs: [&str; 2], both: [Option<u32>; 2]) {
    let run = under_node(policy, programs);
    let ports: BTreeSet<String> = run.wait_for_lines(2, "port ", IN_TIME).into_iter().collect();
    assert_eq!(ports.len(), 1, "one port for both: {ports:?}");
    let port = ports.first().and_then(|line| line.strip_prefix("port "));
    let address = format!("127.0.0.1:{}", port.expect("a port"));
    let visitor = Visitor::new(&*address).expect("on this machine");

    let end = Instant::now() + IN_TIME; // under `none` the kernel chooses
    let mut met = BTreeSet::new();
    while met != BTreeSet::from(both) {
        assert!(Instant::now() < end, "only {met:?} answered, not {both:?}");
        met.extend(visitor.at_once("/", 20).iter().map(answered_by));
    }
    assert_eq!(visitor.one_by_one("/", 20).iter().map(answered_by).count(), 20);

    run.signal(Signal::SIGTERM); // asks each worker to disconnect
    ends_with(&run, 0);
}

/// Who of ours answered; a server in Node has no name.
fn answered_by(seen: &Seen) -> Option<u32> {
    let answer = seen.result.as_ref().unwrap_or_else(|trouble| panic!("{trouble}"));
    assert!(answer.is_success(), "{seen}");
    assert!(seen.worker().is_some() || answer.text() == "hello from Node\n", "{seen}");
    seen.worker()
}

fn refuses(policy: &str, code: i32, way_out: &str) {
    let run = under_node(policy, [PROGRAM, PROGRAM]);
    let complaints = ends_with(&run, code);
    let lines: BTreeSet<&str> = complaints.lines().collect();
    assert!(lines.len() <= 2, "both workers say the same, in a line or two: {complaints}");
    assert!(complaints.contains(way_out), "{complaints}");
}

/// Both workers ended with this code, and then Node by itself. Returns what was said on stderr.
fn ends_with(run: &Run, code: i32) -> String {
    let mut lines = run.wait_for_lines(2, "exit ", IN_TIME);
    lines.sort();
    assert_eq!(lines, [format!("exit 1 {code} null"), format!("exit 2 {code} null")]);
    let output = run.finish(IN_TIME);
    assert!(output.status.success(), "{output:#?}");
    run.assert_nothing_left(SOON);
    output.stderr
}
