//! Conversations between a Node primary and a Node worker, byte by byte: `transcripts/*.txt`. Each
//! is held four times, and every time one side is the script: our primary and our worker write what
//! Node writes, and Node still writes it.
//!
//! A line with `-->` goes from the worker to the primary, one with `<--` the other way; behind a
//! `+` stands what travels with it. `$PORT` and its like vary. The other lines tell a real side
//! what to do (`worker: listen 127.0.0.1`), and say what the script does beside the channel
//! (`client: connects`).

// A side that cannot go on fails by panicking.
#![allow(clippy::unwrap_used)]

// Shared with other targets: this one uses a part.
#[allow(dead_code)]
#[path = "processes/harness.rs"]
mod harness;
// Shared with other targets: this one uses a part.
#[allow(dead_code)]
#[path = "processes/listening.rs"]
mod listening;
// Shared with other targets: this one uses a part.
#[allow(dead_code)]
#[path = "conformance/node.rs"]
mod node;
#[path = "transcripts/ours.rs"]
mod ours;
#[path = "transcripts/player.rs"]
mod player;
// Shared with other targets: this one uses a part.
#[allow(dead_code)]
#[path = "processes/program.rs"]
mod program;
// Shared with other targets: this one uses a part.
#[allow(dead_code)]
#[path = "processes/remote.rs"]
mod remote;
#[path = "transcripts/sockets.rs"]
mod sockets;
#[path = "transcripts/words.rs"]
mod words;

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::process::Command;

use harness::{Test, test};
use player::Player;
use rustix::io::FdFlags;

const CONVERSATIONS: [(&str, &str); 15] = [
    ("round_robin", include_str!("transcripts/round_robin.txt")),
    ("leaves", include_str!("transcripts/leaves.txt")),
    ("second", include_str!("transcripts/second.txt")),
    ("descriptor", include_str!("transcripts/descriptor.txt")),
    ("only_v6", include_str!("transcripts/only_v6.txt")),
    ("ticket_keys", include_str!("transcripts/ticket_keys.txt")),
    ("refused", include_str!("transcripts/refused.txt")),
    ("shared", include_str!("transcripts/shared.txt")),
    ("unix", include_str!("transcripts/unix.txt")),
    ("udp", include_str!("transcripts/udp.txt")),
    ("udp6", include_str!("transcripts/udp6.txt")),
    ("taken", include_str!("transcripts/taken.txt")),
    ("handles", include_str!("transcripts/handles.txt")),
    ("lost", include_str!("transcripts/lost.txt")),
    ("questions", include_str!("transcripts/questions.txt")),
];

type Needs = fn() -> Result<(), String>;

fn main() {
    harness::main(&[tests]);
}

fn tests() -> Vec<Test> {
    CONVERSATIONS.iter().flat_map(|(name, text)| four_times(name, text)).collect()
}

fn four_times(name: &'static str, text: &'static str) -> Vec<Test> {
    let policy = text.lines().find_map(|line| line.strip_prefix("policy ")).unwrap();
    let told = |who: &str| test(format!("{who}::{name}").leak()).policy(policy).plain(plays);
    let (ours, nodes): (Needs, Needs) = match text.contains("\nneeds IPv6\n") {
        true => (listening::ipv6, || node::node_20().and_then(|()| listening::ipv6())),
        false => (|| Ok(()), node::node_20),
    };
    let all = [
        told("our_primary").needs(ours).primary(ours::primary).outside(|test| {
            start_with_a_socket(test, &[]).succeeds();
        }),
        told("our_worker").needs(ours).worker(ours::worker).outside(|test| {
            start(test, "primary ours").succeeds();
        }),
        told("node_worker").needs(nodes).outside(|test| {
            start(test, "primary node").succeeds();
        }),
        told("node_primary").needs(nodes).command(script).outside(|test| {
            start(test, "worker").succeeds();
        }),
    ];
    let left_out = |test: &Test| {
        let who = test.name.split("::").next().unwrap();
        text.contains(&format!("\nwithout {who}: "))
    };
    all.into_iter().filter(|test| !left_out(test)).collect()
}

fn script() -> Command {
    let mut node = Command::new("node");
    node.arg(node::script("transcript.mjs")).env("WORKER", std::env::current_exe().unwrap());
    node
}

/// Starts a program that is the script, or forks it; it has a socket that a primary may have open
/// already.
fn start(test: &Test, part: &str) -> program::Program {
    start_with_a_socket(test, &[("CLUSTER_PLAIN", "1"), ("CLUSTER_PART", part)])
}

fn start_with_a_socket(test: &Test, variables: &[(&str, &str)]) -> program::Program {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let close_on_exec = |flags| rustix::io::fcntl_setfd(&socket, flags).unwrap();
    close_on_exec(FdFlags::empty());
    let program = test.start_changed(|command| {
        command.env("OPEN_FD", socket.as_raw_fd().to_string()).envs(variables.iter().copied());
    });
    close_on_exec(FdFlags::CLOEXEC);
    program
}

/// Plays one side by the script, in a process of its own.
fn plays(part: &str) {
    let name = std::env::var("CLUSTER_TEST").unwrap();
    let (_, name) = name.split_once("::").unwrap();
    let (_, text) = CONVERSATIONS.iter().find(|(it, _)| *it == name).unwrap();
    match part {
        "worker" => Player::worker().plays(text),
        "primary ours" => {
            let us = Command::new(std::env::current_exe().unwrap());
            Player::primary(us, true).plays(text);
        }
        "primary node" => Player::primary(script(), false).plays(text),
        other => panic!("{other}"),
    }
}
