//! What an attacker found: each of these failed once.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use cluster::{Error, Event, Settings, Signal};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::harness::{Events, Test, cpu_time, part, plain, test};
use crate::hostile::channel;

const KEY: &str = "\"key\":\"127.0.0.1:0:4:undefined:0\"";

fn cluster_line(fields: &str) -> String {
    format!("{{\"cmd\":\"NODE_CLUSTER\",{fields},\"seq\":1}}\n")
}

pub fn tests() -> Vec<Test> {
    vec![
        test("a_worker_that_could_not_listen_for_the_lowest_of_all_reasons_ends_nobody")
            .primary(|mut primary| {
                primary.fork_with(plain("")).unwrap();
                let error = primary.until(|event| match event {
                    Event::ListenFailed { error, .. } => Some(error),
                    _ => None,
                });
                assert!(matches!(error, Error::Listen { .. }), "{error}");
                primary.rest();
            })
            .plain(|_| {
                let fields = "\"act\":\"listenFailed\",\"errno\":-9223372036854775808,\
                              \"address\":\"127.0.0.1\",\"port\":1,\"addressType\":4";
                channel().write_all(cluster_line(fields).as_bytes()).unwrap();
            }),
        test("a_connection_may_be_taken_within_all_the_time_there_is")
            .policy("rr")
            .primary(|mut primary| {
                primary.setup(Settings::new().take_within(Duration::MAX));
                primary.fork_with(part("")).unwrap();
                let at = primary.until(|event| match event {
                    Event::Listening(_, address) => Some(address.to_string()),
                    _ => None,
                });
                let _client = TcpStream::connect(at).unwrap();
                assert_eq!(primary.until(|event| match event {
                    Event::Message(_, message) => message.text(),
                    _ => None,
                }), "has it");
                primary.disconnect_all();
                primary.rest();
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                let _client = listener.accept().unwrap();
                let _ = me.send("has it").unwrap();
                while me.recv().unwrap().is_some() {}
            }),
        test("a_deaf_worker_that_says_it_waits_without_end_stops_nobody")
            .policy("rr")
            .primary(|mut primary| {
                let deaf = primary.fork_with(plain("")).unwrap();
                let at = primary.hears(deaf);
                let _client = TcpStream::connect(at.as_str().unwrap()).unwrap();
                // One turn may not take long.
                let begun = Instant::now();
                let mut longest = Duration::ZERO;
                while begun.elapsed() < Duration::from_secs(3) {
                    let asked = Instant::now();
                    let event = primary.next_event_before(asked + Duration::from_millis(20));
                    drop(event.unwrap());
                    longest = longest.max(asked.elapsed());
                }
                let memory = crate::raw_primary::memory_of(std::process::id(), "VmHWM:");
                primary.kill(deaf, Signal::SIGKILL).unwrap();
                primary.rest();
                let used = cpu_time();
                assert!(longest < Duration::from_millis(500), "{longest:?}, {memory} MiB, {used:?}");
                assert!(memory < 64, "{memory} MiB");
            })
            .plain(|_| {
                let mut channel = channel();
                let query = "\"act\":\"queryServer\",\"index\":0,\"data\":null,\
                             \"address\":\"127.0.0.1\",\"port\":0,\"addressType\":4,\"flags\":0,\
                             \"waits\":true";
                channel.write_all(cluster_line("\"act\":\"online\"").as_bytes()).unwrap();
                channel.write_all(cluster_line(query).as_bytes()).unwrap();
                let mut answer = String::new();
                BufReader::new(&channel).read_line(&mut answer).unwrap();
                let answer: cluster::Value = serde_json::from_str(&answer).unwrap();
                let port = answer["sockname"]["port"].as_u64().unwrap();
                channel.shutdown(Shutdown::Read).unwrap();
                writeln!(channel, "\"127.0.0.1:{port}\"").unwrap();
                std::thread::sleep(Duration::from_millis(100));
                let mut up_to = 0_u64;
                loop {
                    let mut lines = String::new();
                    for _ in 0..500 {
                        up_to += 1024;
                        let waits = format!("\"act\":\"waiting\",{KEY},\"upTo\":{up_to}");
                        lines.push_str(&cluster_line(&waits));
                    }
                    if channel.write_all(lines.as_bytes()).is_err() {
                        return;
                    }
                }
            }),
        test("a_worker_that_claims_to_have_taken_all_and_reads_nothing_is_full")
            .primary(|mut primary| {
                let liar = primary.fork_with(plain("")).unwrap();
                primary.waits_until_online(1);
                let text = "x".repeat(9_990);
                let mut refused = 0;
                let deadline = Instant::now() + Duration::from_secs(3);
                while !matches!(
                    primary.next_event_before(Instant::now() + Duration::from_millis(1)).unwrap(),
                    None
                ) && Instant::now() < deadline
                {
                    for _ in 0..100 {
                        if primary.send(liar, &text).is_err() {
                            refused += 1;
                        }
                    }
                }
                let memory = crate::raw_primary::memory_of(std::process::id(), "VmHWM:");
                primary.kill(liar, Signal::SIGKILL).unwrap();
                primary.rest();
                assert!(refused > 0 && memory < 64, "{refused} refused, {memory} MiB");
            })
            .plain(|_| {
                let mut channel = channel();
                let online = cluster_line("\"act\":\"online\",\"peer\":\"rust\"");
                channel.write_all(online.as_bytes()).unwrap();
                let taken = cluster_line(&format!("\"act\":\"taken\",\"taken\":{}", u64::MAX));
                while channel.write_all(taken.as_bytes()).is_ok() {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }),
        test("many_strangers_that_end_at_once_are_all_reaped")
            .primary(|mut primary| {
                primary.reap_strangers(true).unwrap();
                let stays = primary.fork_with(part("")).unwrap();
                primary.waits_until_online(1);
                let mut strangers: Vec<_> = (0..200)
                    .map(|_| std::process::Command::new("sleep").arg("60").spawn().unwrap())
                    .collect();
                strangers.iter_mut().for_each(|stranger| stranger.kill().unwrap());
                std::thread::sleep(Duration::from_millis(300));
                let deadline = Instant::now() + Duration::from_secs(1);
                while !matches!(
                    primary.next_event_before(deadline).unwrap(),
                    None | Some(Event::Deadline)
                ) {}
                let zombies = strangers
                    .iter()
                    .filter(|it| std::path::Path::new(&format!("/proc/{}", it.id())).exists())
                    .count();
                primary.disconnect(stays);
                primary.rest();
                assert_eq!(zombies, 0);
            }),
        test("a_primary_that_cannot_be_told_of_one_more_signal_is_told_of_the_others")
            .primary(|mut primary| {
                primary.signals(&[Signal::SIGTERM]).unwrap();
                primary.fork_with(part("")).unwrap();
                primary.waits_until_online(1);
                let before = getrlimit(Resource::Nofile);
                setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..before.clone() }).unwrap();
                primary.signals(&[Signal::SIGUSR1]).unwrap_err();
                setrlimit(Resource::Nofile, before).unwrap();
                crate::harness::send_signal(std::process::id().cast_signed(), Signal::SIGTERM);
                let deadline = Instant::now() + Duration::from_secs(2);
                let told = loop {
                    match primary.next_event_before(deadline).unwrap() {
                        Some(Event::Signal(signal)) => break Some(signal),
                        None | Some(Event::Deadline) => break None,
                        _ => {}
                    }
                };
                assert_eq!(told, Some(Signal::SIGTERM));
                primary.disconnect_all();
                primary.rest();
            }),
        test("a_primary_that_may_open_no_file_at_all_still_hears_a_signal")
            .primary(|mut primary| {
                primary.signals(&[Signal::SIGTERM]).unwrap();
                primary.fork_with(part("")).unwrap();
                primary.waits_until_online(1);
                let before = getrlimit(Resource::Nofile);
                setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before.clone() }).unwrap();
                crate::harness::send_signal(std::process::id().cast_signed(), Signal::SIGTERM);
                let deadline = Instant::now() + Duration::from_secs(2);
                let told = loop {
                    match primary.next_event_before(deadline).unwrap() {
                        Some(Event::Signal(signal)) => break Some(signal),
                        None | Some(Event::Deadline) => break None,
                        _ => {}
                    }
                };
                assert_eq!(told, Some(Signal::SIGTERM));
                primary.disconnect_all();
                primary.rest();
            }),
    ]
}
