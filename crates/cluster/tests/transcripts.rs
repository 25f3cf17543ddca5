//! Conversations between a Node primary and a Node worker, byte by byte: `transcripts/*.txt`. Each is held four times, and every
//! time one side is the script: our primary and our worker write what Node writes, and Node still writes it.

#![allow(clippy::unwrap_used)] // a side that cannot go on fails by panicking

#[allow(dead_code)] // shared with the target `processes`, which uses all of it
#[path = "processes/harness.rs"]
mod harness;
#[allow(dead_code)]
#[path = "conformance/node.rs"]
mod node;
#[path = "transcripts/ours.rs"]
mod ours;
#[path = "transcripts/player.rs"]
mod player;
#[allow(dead_code)]
#[path = "processes/program.rs"]
mod program;
#[allow(dead_code)]
#[path = "processes/remote.rs"]
mod remote;
#[path = "transcripts/sockets.rs"]
mod sockets;
#[path = "transcripts/words.rs"]
mod words;

use std::process::Command;

use harness::{Test, test};
use player::Player;

const CONVERSATIONS: [(&str, &str); 10] = [
    ("round_robin", include_str!("transcripts/round_robin.txt")),
    ("leaves", include_str!("transcripts/leaves.txt")),
    ("refused", include_str!("transcripts/refused.txt")),
    ("shared", include_str!("transcripts/shared.txt")),
    ("unix", include_str!("transcripts/unix.txt")),
    ("udp", include_str!("transcripts/udp.txt")),
    ("taken", include_str!("transcripts/taken.txt")),
    ("handles", include_str!("transcripts/handles.txt")),
    ("lost", include_str!("transcripts/lost.txt")),
    ("questions", include_str!("transcripts/questions.txt")),
];

fn main() {
    harness::main(&[tests]);
}

fn tests() -> Vec<Test> {
    CONVERSATIONS.iter().flat_map(|(name, text)| four_times(name, text)).collect()
}

fn four_times(name: &'static str, text: &'static str) -> Vec<Test> {
    let policy = text.lines().find_map(|line| line.strip_prefix("policy ")).unwrap();
    let told = |who: &str| test(format!("{who}::{name}").leak()).policy(policy).plain(plays);
    let all = [
        told("our_primary").primary(ours::primary),
        told("our_worker").worker(ours::worker).outside(|test| {
            start(test, "primary ours").succeeds();
        }),
        told("node_worker").needs(node::node_20).outside(|test| {
            start(test, "primary node").succeeds();
        }),
        told("node_primary").needs(node::node_20).command(script).outside(|test| {
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

/// Starts a program that is the script, or forks it.
fn start(test: &Test, part: &str) -> program::Program {
    test.start_changed(|command| {
        command.env("CLUSTER_PLAIN", "1").env("CLUSTER_PART", part);
    })
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
