//! Node as the judge of listening: its servers under our primary, and our workers beside its own
//! under its primary.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::Command;

use cluster::{Address, Event, Primary, SchedulingPolicy, Settings, WorkerId, json};

use crate::harness::{DEADLINE, Events, Program, Test, in_both, test};
use crate::listening::Directory;
use crate::node::{node_20, node_settings, script};
use crate::remote::{is_refused, meanwhile};
use crate::storm::storm;

pub fn tests() -> Vec<Test> {
    let mut tests: Vec<Test> = [
        in_both("node_http_servers_share_a_port_of_our_primary", |mut primary| {
            let ([one, two], at) = fork_servers(&mut primary, "0");
            let shares = shares(&mut primary, [one, two], &at);
            if primary.scheduling_policy() == SchedulingPolicy::RoundRobin {
                assert!(shares[0].abs_diff(shares[1]) <= 1, "{shares:?}");
            }
            assert_eq!(shares[0] + shares[1], 31);
            primary.disconnect_all();
            let told = primary.rest();
            let ends = told.iter().filter(|event| event.ends_with("exits 0, voluntary"));
            assert_eq!(ends.count(), 2, "{told:?}");
            assert!(is_refused(&at));
        }),
        in_both("node_http_servers_share_a_path_of_our_primary", |mut primary| {
            let directory = Directory::new();
            let path = directory.0.join("socket").display().to_string();
            let ([one, two], at) = fork_servers(&mut primary, &path);
            assert_eq!(at, path);
            assert_eq!(shares(&mut primary, [one, two], &at).iter().sum::<usize>(), 31);
            primary.disconnect_all();
            primary.rest();
            assert!(is_refused(&at));
        }),
        in_both("node_server_hears_why_our_primary_cannot_bind", |mut primary| {
            let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let port = taken.local_addr().unwrap().port().to_string();
            let worker = primary.fork_with(server(&port)).unwrap();
            assert_eq!(primary.hears(worker), json!("EADDRINUSE 127.0.0.1"));
        }),
        in_both(
            "node_servers_that_are_killed_under_load_leave_no_client_waiting",
            |mut primary| {
                let plain = server("0").env("PLAIN", "yes");
                let (kills, lost) = storm(&mut primary, &plain, 2, 800);
                // It takes many at once, and they are lost with it; but nobody waits in vain.
                assert!(kills > 0 && lost < 800, "{lost} lost, {kills} kills");
            },
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    for (name, policy) in [
        ("node_primary_of_a_node_worker_and_ours_on_one_port_under_round_robin", "rr"),
        ("node_primary_of_a_node_worker_and_ours_on_one_port_under_none", "none"),
    ] {
        tests.push(test(name).policy(policy).worker(serves_all).outside(mixed));
    }
    tests.into_iter().map(|test| test.needs(node_20)).collect()
}

fn server(listen: &str) -> Settings {
    node_settings().args([script("server.mjs")]).env("LISTEN", listen)
}

fn fork_servers(primary: &mut Primary, listen: &str) -> ([WorkerId; 2], String) {
    let workers = [1, 2].map(|_| primary.fork_with(server(listen)).unwrap());
    let [at, same] = [1, 2].map(|_| {
        primary.until(|event| match event {
            Event::Listening(_, address) => Some(address),
            _ => None,
        })
    });
    assert_eq!(at, same);
    assert!(matches!(at, Address::Unix(_)) || at.port() > Some(0));
    (workers, at.to_string())
}

/// How many of 31 requests, one after the other, each worker answers.
fn shares(primary: &mut Primary, workers: [WorkerId; 2], at: &str) -> [usize; 2] {
    let at = at.to_owned();
    let answers = meanwhile(primary, move || (0..31).map(|_| get(&at)).collect::<Vec<_>>());
    workers.map(|worker| {
        let name = format!("node {}", worker.get());
        answers.iter().filter(|answer| answer.ends_with(&name)).count()
    })
}

fn get(at: &str) -> String {
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut text = String::new();
    if at.starts_with('/') {
        let mut client = UnixStream::connect(at).unwrap();
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        client.write_all(request).unwrap();
        client.read_to_string(&mut text).unwrap();
    } else {
        let mut client = TcpStream::connect(at).unwrap();
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        client.write_all(request).unwrap();
        client.read_to_string(&mut text).unwrap();
    }
    text
}

fn serves_all(mut me: cluster::Worker, _: &str) {
    let listener = me.listen("127.0.0.1:0").unwrap();
    for client in listener.incoming() {
        write!(client.unwrap(), "{}", me.id()).unwrap();
    }
}

fn mixed(test: &Test) {
    let mut node = Command::new("node");
    node.arg(script("mixed.mjs")).env("WORKER", std::env::current_exe().unwrap());
    let mut program = Program::start(test, node);
    let turns = test.name.ends_with("round_robin");
    for line in ["alone: node 1", "one port: true", "all answer: true"] {
        program.says(line);
    }
    if turns {
        program.says("all serve: true");
    }
    for line in
        ["exit 0  true", "without node: true", "exit 0  true", "one left: worker 3", "exit 0  true"]
    {
        program.says(line);
    }
    program.succeeds();
}
