//! Connections: how many in a second, at what cost, and how soon a dead worker is replaced. Ours
//! against Node: `cargo bench -p cluster --bench connections`
//!
//! Every primary is a process of its own with two workers that give the same answer. The clients
//! are threads of this process, whose CPU time does not count. Each round measures every contender
//! once.

#[path = "contenders/asked.rs"]
mod asked;
#[path = "contenders/report.rs"]
mod report;

use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use asked::Asked;
use cluster::{Event, Primary, RestartPolicy, Role, SchedulingPolicy, Signal, Worker};
use report::{median, row};

const ROUNDS: usize = 7;
const CLIENTS: usize = 8;
const CONNECTIONS: usize = 4000;
const REPLACEMENTS: usize = 21;
const QUESTION: &[u8] = b"hello?";
const ANSWER: &str = "hello from a worker";

fn main() {
    if std::env::args().nth(1).as_deref() == Some("primary") {
        return match cluster::role().expect("first in main") {
            Role::Primary(primary) => answers_questions(primary),
            Role::Worker(me) => serves(me),
        };
    }
    if !std::env::args().any(|arg| arg == "--bench") {
        return; // `cargo test --benches` only wants to know whether it starts
    }
    let ours = |policy: &str| {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        Asked::start(command.args(["primary", policy])).expect("it starts")
    };
    let Some(node) = node() else {
        eprintln!("node is not installed: nothing to compare with");
        std::process::exit(1);
    };
    let mut contenders = [
        Contender::new("cluster, round robin", ours("rr")),
        Contender::new("node:cluster, round robin", node),
        Contender::new("cluster, shared", ours("none")),
    ];
    for _ in 0..ROUNDS {
        contenders.iter_mut().for_each(Contender::measure);
    }
    let table = |title: &str, values: fn(&Contender) -> &[f64]| {
        println!("\n{title} (median of {ROUNDS} rounds)");
        let ours = values(&contenders[0]);
        for (at, contender) in contenders.iter().enumerate() {
            row(contender.name, values(contender), (at > 0).then_some(ours));
        }
    };
    table("connections per second, one request each", |it| &it.per_second);
    table("CPU time of primary and workers, ms per 10,000 connections", |it| &it.cpu);

    let [ours, nodes] = [0, 1].map(|at| {
        let ask = |_| contenders[at].program.number(&format!("replacements {REPLACEMENTS}"));
        (0..ROUNDS).map(ask).collect::<Vec<_>>()
    });
    println!("\na new worker, ms (median of {ROUNDS} rounds of {REPLACEMENTS}, each a median)");
    row("cluster, kill to online", &ours, None);
    row("node:cluster, fork to online", &nodes, Some(&ours));
}

fn node() -> Option<Asked> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/connections.mjs");
    Asked::start(Command::new("node").arg(script).env("ANSWER", ANSWER))
}

struct Contender {
    name: &'static str,
    program: Asked,
    address: SocketAddr,
    pids: Vec<u32>,
    per_second: Vec<f64>,
    cpu: Vec<f64>,
}

impl Contender {
    fn new(name: &'static str, mut program: Asked) -> Contender {
        let address = program.line("address").parse().expect("an address");
        let pids = program.line("pids");
        let pids = pids.split(' ').map(|pid| pid.parse().expect("a pid")).collect();
        let new = Contender { name, program, address, pids, per_second: vec![], cpu: vec![] };
        new.visit(CONNECTIONS / 4); // to warm up
        new
    }

    fn measure(&mut self) {
        let before = self.cpu_time();
        let time = self.visit(CONNECTIONS);
        let used = self.cpu_time() - before;
        self.per_second.push(CONNECTIONS as f64 / time.as_secs_f64());
        self.cpu.push(used.as_secs_f64() * 1e3 * 10_000.0 / CONNECTIONS as f64);
    }

    fn visit(&self, connections: usize) -> Duration {
        let begin = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| (0..connections / CLIENTS).for_each(|_| visit(self.address)));
            }
        });
        begin.elapsed()
    }

    fn cpu_time(&self) -> Duration {
        self.pids.iter().map(|&pid| cpu_time(pid)).sum()
    }
}

/// As little as a client can do, so that most of the machine is left for those that are measured.
fn visit(address: SocketAddr) {
    let mut client = TcpStream::connect(address).expect("somebody listens");
    client.write_all(QUESTION).expect("it is read");
    let mut answer = [0; ANSWER.len()];
    client.read_exact(&mut answer).expect("it is answered");
    assert_eq!(answer, ANSWER.as_bytes());
}

/// User and system time of all threads of a process, with the scheduler's precision; proc(5),
/// `schedstat`.
fn cpu_time(pid: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let time = |task: std::io::Result<std::fs::DirEntry>| -> u64 {
        let path = task.expect("it runs").path().join("schedstat");
        let text = std::fs::read_to_string(path).expect("Linux says it");
        text.split(' ').next().and_then(|time| time.parse().ok()).expect("nanoseconds")
    };
    Duration::from_nanos(tasks.map(time).sum())
}

fn serves(mut me: Worker) {
    let listener = me.listen("127.0.0.1:0").expect("a port is free");
    for client in listener.incoming() {
        let mut client = client.expect("there are descriptors");
        let mut question = [0; 64];
        if client.read(&mut question).is_ok() {
            let _ = client.write_all(ANSWER.as_bytes()); // the client may be gone
        }
    }
}

fn answers_questions(mut primary: Primary) {
    if std::env::args().nth(2).as_deref() == Some("none") {
        primary.set_scheduling_policy(SchedulingPolicy::Shared).expect("before the first fork");
    }
    let workers = [(); 2].map(|()| primary.fork().expect("it starts"));
    let mut listening = Vec::new();
    while listening.len() < workers.len() {
        if let Some(Event::Listening(_, address)) = next(&mut primary) {
            listening.push(address);
        }
    }
    let pids = workers.map(|worker| primary.pid(worker).expect("it runs"));
    let (sender, questions) = mpsc::channel();
    let waker = primary.waker();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = sender.send(line);
            waker.wake();
        }
    });
    while let Some(event) = next(&mut primary) {
        if !matches!(event, Event::Woken) {
            continue;
        }
        for question in questions.try_iter() {
            match question.split_once(' ') {
                Some((_, count)) => println!("{}", replace(&mut primary, count)),
                None if question == "address" => println!("{}", listening[0]),
                None => println!("{} {} {}", std::process::id(), pids[0], pids[1]),
            }
        }
    }
}

/// From the kill of a worker until its replacement is online: the median, in milliseconds.
fn replace(primary: &mut Primary, count: &str) -> f64 {
    let mut restart = RestartPolicy::at_once();
    let once = |_| {
        let victim = primary.workers().last().expect("there are two");
        let begin = Instant::now();
        primary.kill(victim, Signal::SIGKILL).expect("it is ours");
        loop {
            match next(primary) {
                Some(Event::Exit { worker, .. }) => {
                    let _ = restart.after(worker, primary); // it has no limit
                }
                Some(Event::Online(_)) => break begin.elapsed().as_secs_f64() * 1e3,
                _ => {}
            }
        }
    };
    let times: Vec<f64> = (0..count.parse().expect("a number")).map(once).collect();
    median(&times)
}

fn next(primary: &mut Primary) -> Option<Event> {
    primary.next_event().expect("the system waits")
}
