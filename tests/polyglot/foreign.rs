//! This program as a worker of a stock Node primary.

use std::collections::BTreeSet;
use std::process::Command;

use nix::sys::signal::Signal;
use visitors::Visitor;

use crate::support::{IN_TIME, Run, lesson_file};
use crate::{A_SECOND, LESSON, Test, name, script};

pub fn tests() -> Vec<Test> {
    vec![
        ("two_workers_in_rust_serve_and_leave_under_a_node_primary", two_in_rust),
        ("a_worker_in_rust_and_one_in_node_share_a_port_under_a_node_primary", one_of_each),
    ]
}

/// Ten lines of Node fork these programs and leave all else as it is.
fn under_node(policy: &str, programs: [&str; 2]) -> (Run, Visitor) {
    let run = Run::of(
        Command::new("node")
            .arg(script("ten-lines.mjs"))
            .args(programs)
            .env("SERVER", lesson_file("polyglot", "server.mjs"))
            .env("NODE_CLUSTER_SCHED_POLICY", policy)
            .env_remove("PORT"),
    );
    let ports: BTreeSet<String> = run.wait_for_lines(2, "port ", IN_TIME).into_iter().collect();
    assert_eq!(ports.len(), 1, "one port for both: {ports:?}");
    let port = ports.first().and_then(|line| line.strip_prefix("port "));
    let address = format!("127.0.0.1:{}", port.expect("a port"));
    (run, Visitor::new(&*address).expect("on this machine"))
}

fn leave(run: &Run) {
    run.signal(Signal::SIGTERM);
    let mut lines = run.wait_for_lines(2, "exit ", IN_TIME);
    lines.sort();
    assert_eq!(lines, ["exit 1 0 null", "exit 2 0 null"]);
    assert!(run.finish(IN_TIME).status.success());
    run.assert_nothing_left(A_SECOND);
}

fn two_in_rust() {
    for policy in ["rr", "none"] {
        let (run, visitor) = under_node(policy, [LESSON, LESSON]);
        for seen in visitor.one_by_one("/", 20) {
            assert_eq!(name(&seen), "hello from Rust");
        }
        leave(&run);
    }
}

fn one_of_each() {
    for policy in ["rr", "none"] {
        let (run, visitor) = under_node(policy, [LESSON, "node"]);
        let seen = visitor.at_once("/", 100);
        let met: BTreeSet<String> = seen.iter().map(name).collect();
        if policy == "rr" {
            let both = ["hello from Node", "hello from Rust"];
            assert_eq!(met.into_iter().collect::<Vec<_>>(), both);
        }
        leave(&run);
    }
}
