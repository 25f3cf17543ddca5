//! Policy `RoundRobin`: who gets the next connection.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use cluster::{Error, SchedulingPolicy, json};

use crate::harness::{DEADLINE, Events, Test, test};
use crate::remote::{
    ask, asks, fork_serving, fork_some, meanwhile, obeys, order, tell, until_gone,
};

pub fn tests() -> Vec<Test> {
    vec![
        test("connections_one_after_another_reach_all_workers_in_turn")
            .primary(|mut primary| {
                let (workers, at) = fork_serving::<3>(&mut primary, "127.0.0.1:0");
                let pids = workers.map(|worker| primary.pid(worker).unwrap());
                let counts = meanwhile(&mut primary, move || {
                    let mut counts = [0; 3];
                    for _ in 0..100 {
                        pids.iter().for_each(|&pid| falls_asleep(pid, 0)); // all of them wait again
                        let name = ask(&at).unwrap();
                        let number: usize = name.strip_prefix("worker ").unwrap().parse().unwrap();
                        counts[number - 1] += 1;
                    }
                    counts
                });
                assert!(counts.iter().all(|share| (33..=34).contains(share)), "{counts:?}");
            })
            .worker(obeys),
        test("a_busy_worker_gets_no_connection_and_keeps_no_client_waiting")
            .primary(|mut primary| {
                let mut address = String::new();
                for _ in 0..2 {
                    let worker = primary.fork().unwrap();
                    address = primary.hears(worker).as_str().unwrap().to_owned();
                }
                let (slow, counts, slowest) = meanwhile(&mut primary, move || {
                    let mut slow = TcpStream::connect(&address).unwrap();
                    let mut name = [0; 8];
                    slow.read_exact(&mut name).unwrap();
                    let mut slowest = Duration::ZERO;
                    let mut counts = BTreeMap::new();
                    for _ in 0..200 {
                        let begin = Instant::now();
                        let mut quick = TcpStream::connect(&address).unwrap();
                        let mut name = [0; 8];
                        quick.read_exact(&mut name).unwrap();
                        slowest = slowest.max(begin.elapsed());
                        *counts.entry(name).or_insert(0) += 1;
                    }
                    ((slow, name), counts, slowest)
                });
                assert_eq!(counts.len(), 1, "{counts:?}");
                assert!(!counts.contains_key(&slow.1), "it waited behind the slow one");
                // A client that waits behind the slow one waits for ever. The rest is for a busy
                // machine.
                assert!(slowest < Duration::from_secs(1), "{slowest:?}");
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                me.send(listener.address().to_string()).unwrap();
                for client in listener.incoming() {
                    let mut client = client.unwrap();
                    write!(client, "{}", me.id()).unwrap();
                    let _ = client.read(&mut [0]); // until the client hangs up, in whatever way
                }
            }),
        test("the_worker_that_has_waited_longest_is_served_first")
            .primary(|mut primary| {
                let [one, two, three] = fork_some(&mut primary);
                let listen = "listen 127.0.0.1:0";
                let at = [one, two, three].map(|worker| tell(&mut primary, worker, listen));
                for worker in [three, one, two] {
                    let pid = primary.pid(worker).unwrap();
                    let slept = times_asleep(pid);
                    order(&mut primary, &[worker], "accept 0");
                    meanwhile(&mut primary, move || falls_asleep(pid, slept + 1));
                }
                for worker in [three, one, two] {
                    assert_eq!(asks(&mut primary, &at[0]), worker.to_string());
                }
            })
            .worker(obeys),
        test("a_worker_accepts_in_several_threads_at_once")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let at = primary.hears(worker).as_str().unwrap().to_owned();
                // Each is answered when all four are there.
                let all = meanwhile(&mut primary, move || {
                    let clients: Vec<_> = (0..4)
                        .map(|_| {
                            let at = at.clone();
                            std::thread::spawn(move || ask(&at).unwrap())
                        })
                        .collect();
                    clients.into_iter().map(|it| it.join().unwrap()).collect::<Vec<_>>()
                });
                assert_eq!(all, ["worker 1"; 4]);
            })
            .worker(|mut me, _| {
                let listener = Arc::new(me.listen("127.0.0.1:0").unwrap());
                me.send(listener.address().to_string()).unwrap();
                let together = Arc::new(Barrier::new(4));
                let threads: Vec<_> = (0..4)
                    .map(|_| {
                        let (listener, together) = (Arc::clone(&listener), Arc::clone(&together));
                        let me = me.clone();
                        std::thread::spawn(move || {
                            let mut client = listener.accept().unwrap().unwrap();
                            together.wait();
                            write!(client, "{}", me.id()).unwrap();
                        })
                    })
                    .collect();
                threads.into_iter().for_each(|thread| thread.join().unwrap());
                assert!(me.recv().unwrap().is_none());
            }),
        test("a_worker_whose_accept_ended_at_its_deadline_gets_none")
            .primary(|mut primary| {
                let [gave_up, waits] = fork_some(&mut primary);
                let listen = "listen 127.0.0.1:0";
                let at = [gave_up, waits].map(|worker| tell(&mut primary, worker, listen));
                for round in 0..5 {
                    let told = tell(&mut primary, gave_up, "try 0 1");
                    assert_eq!(told, "nobody came", "round {round}");
                    order(&mut primary, &[waits], "accept 0");
                    assert_eq!(asks(&mut primary, &at[0]), waits.to_string());
                }
            })
            .worker(obeys),
        test("connections_wait_while_nobody_accepts_and_all_are_served_then")
            .primary(|mut primary| {
                let [never, late] = fork_some(&mut primary);
                let listen = "listen 127.0.0.1:0";
                let at = [never, late].map(|worker| tell(&mut primary, worker, listen));
                // More than wait in the primary; the rest waits in the kernel.
                let address = at[0].clone();
                let clients = meanwhile(&mut primary, move || {
                    (0..400).map(|_| TcpStream::connect(&address).unwrap()).collect::<Vec<_>>()
                });
                assert!(crate::leaks::open_files() < 400 + 200, "the queue has a bound");
                order(&mut primary, &[late], "serve 0");
                let names = meanwhile(&mut primary, move || {
                    clients.into_iter().map(text_of).collect::<Vec<_>>()
                });
                assert!(names.iter().all(|name| *name == late.to_string()), "{names:?}");
            })
            .worker(obeys),
        test("messages_that_come_while_a_worker_accepts_are_kept_for_it")
            .primary(|mut primary| {
                let [worker] = fork_some(&mut primary);
                let at = tell(&mut primary, worker, "listen 127.0.0.1:0");
                order(&mut primary, &[worker], "accept 0");
                order(&mut primary, &[worker], "try 0 1");
                let client = std::thread::spawn(move || ask(&at).unwrap());
                assert_eq!(primary.hears(worker), json!("nobody came"));
                assert_eq!(client.join().unwrap(), worker.to_string());
            })
            .worker(obeys),
        test("a_connection_that_a_worker_serves_is_finished_when_it_is_asked_to_leave")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let at = primary.hears(worker).as_str().unwrap().to_owned();
                let mut client = TcpStream::connect(at).unwrap();
                assert_eq!(primary.hears(worker), json!("serves"));
                primary.disconnect(worker);
                let client = std::thread::spawn(move || {
                    client.write_all(b"go on").unwrap();
                    client.shutdown(std::net::Shutdown::Write).unwrap();
                    text_of(client)
                });
                until_gone(&mut primary, worker);
                assert_eq!(client.join().unwrap(), "go on");
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                me.send(listener.address().to_string()).unwrap();
                let mut served = 0;
                for client in listener.incoming() {
                    let (mut client, mut text) = (client.unwrap(), String::new());
                    me.send("serves").unwrap();
                    client.read_to_string(&mut text).unwrap();
                    client.write_all(text.as_bytes()).unwrap();
                    served += 1;
                }
                assert_eq!(served, 1);
            }),
        test("the_primary_keeps_the_socket_to_itself_under_round_robin")
            .primary(|mut primary| {
                let [worker] = fork_some(&mut primary);
                let at = tell(&mut primary, worker, "listen 127.0.0.1:0");
                let told = tell(&mut primary, worker, "into_std 0");
                assert_eq!(told, format!("the primary distributes the connections to {at}"));
                order(&mut primary, &[worker], "accept 0");
                assert_eq!(asks(&mut primary, &at), worker.to_string(), "the listener came back");
            })
            .worker(obeys),
        test("the_policy_is_fixed_by_the_first_fork").primary(|mut primary| {
            assert_eq!(primary.scheduling_policy(), SchedulingPolicy::RoundRobin);
            primary.set_scheduling_policy(SchedulingPolicy::Shared).unwrap();
            primary.fork().unwrap();
            let again = primary.set_scheduling_policy(SchedulingPolicy::RoundRobin);
            assert!(matches!(again, Err(Error::PolicyFrozen)));
            assert_eq!(primary.scheduling_policy(), SchedulingPolicy::Shared);
        }),
        test("the_environment_names_the_policy_exactly_or_not_at_all")
            .primary(|primary| println!("{:?}", primary.scheduling_policy()))
            .outside(|test| {
                for (name, policy) in [
                    ("none", "Shared"),
                    ("rr", "RoundRobin"),
                    ("None", "RoundRobin"),
                    ("bogus", "RoundRobin"),
                    ("", "RoundRobin"),
                ] {
                    test.policy(name).start().says(policy);
                }
            }),
    ]
}

/// Waits until the process sleeps, after it has fallen asleep so many times in its life.
fn falls_asleep(pid: u32, times: u64) {
    while times_asleep(pid) < times || !status(pid, "State:").starts_with('S') {
        std::thread::yield_now();
    }
}

fn times_asleep(pid: u32) -> u64 {
    status(pid, "voluntary_ctxt_switches:").parse().unwrap()
}

/// A field of proc(5), `status`.
fn status(pid: u32, field: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().find_map(|line| line.strip_prefix(field)).unwrap().trim().to_owned()
}

pub fn text_of(mut client: TcpStream) -> String {
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    text
}
