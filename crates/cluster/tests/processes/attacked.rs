//! What an attacker found: each of these failed once.

use std::io::{BufRead, BufReader, Read, Write};
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
                assert_eq!(
                    primary.until(|event| match event {
                        Event::Message(_, message) => message.text(),
                        _ => None,
                    }),
                    "has it"
                );
                primary.disconnect_all();
                primary.rest();
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                let _client = listener.accept().unwrap();
                me.send("has it").unwrap();
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
                assert!(
                    longest < Duration::from_millis(500),
                    "{longest:?}, {memory} MiB, {used:?}"
                );
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
                while primary
                    .next_event_before(Instant::now() + Duration::from_millis(1))
                    .unwrap()
                    .is_some()
                    && Instant::now() < deadline
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
        test("no_client_is_lost_where_workers_listen_and_close_without_end")
            .policy("rr")
            .primary(|mut primary| {
                let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                let at = free.local_addr().unwrap().to_string();
                drop(free);
                for part_ in ["stays", "flutters", "flutters"] {
                    let _ = primary.fork_with(part(part_).env("AT", &at)).unwrap();
                }
                primary.until(|event| matches!(event, Event::Message(..)).then_some(()));
                let clients = std::thread::spawn(move || clients(&at, 4, 200));
                while !clients.is_finished() {
                    let soon = Instant::now() + Duration::from_millis(20);
                    match primary.next_event_before(soon).unwrap().unwrap() {
                        Event::Exit { exit, .. } => panic!("{exit}"),
                        Event::Error(_, error) => panic!("{error}"),
                        _ => {}
                    }
                }
                let (answered, lost) = clients.join().unwrap();
                primary.begin_shutdown(Duration::from_secs(2));
                primary.rest();
                assert_eq!((answered, lost), (800, vec![]));
            })
            .worker(|mut me, part| {
                let at = std::env::var("AT").unwrap();
                let mut told = false;
                while let Ok(listener) = me.listen(&*at) {
                    if !std::mem::replace(&mut told, true) && part == "stays" {
                        me.send("up").unwrap();
                    }
                    let soon = Instant::now() + Duration::from_micros(500);
                    let mut more = 3;
                    while more > 0 && !me.is_leaving() {
                        let client = match part {
                            "stays" => listener.accept().unwrap(),
                            _ => listener.accept_before(soon).unwrap(),
                        };
                        if let Some(mut client) = client {
                            let _ = client.write_all(b"x");
                        }
                        more -= if part == "stays" { 0 } else { 1 };
                    }
                    if me.is_leaving() {
                        return;
                    }
                }
            }),
        test("who_asked_before_the_stop_and_finds_no_worker_is_counted_in_the_report")
            .policy("rr")
            .primary(|mut primary| {
                let only = primary.fork_with(part("")).unwrap();
                let at = primary.until(|event| match event {
                    Event::Listening(_, address) => Some(address.to_string()),
                    _ => None,
                });
                primary.kill(only, Signal::SIGKILL).unwrap();
                primary.until(|event| matches!(event, Event::Exit { .. }).then_some(()));
                primary.fork_after(Duration::from_millis(200), Some(only)).unwrap();
                let client = std::thread::spawn(move || clients(&at, 1, 1));
                let soon = Instant::now() + Duration::from_millis(100);
                while !matches!(primary.next_event_before(soon).unwrap(), Some(Event::Deadline)) {}
                primary.begin_shutdown(Duration::from_secs(2));
                let mut clean = None;
                while let Some(event) = primary.next_event().unwrap() {
                    if let Event::Stopped(report) = event {
                        clean = Some((report.is_clean(), report.cut_off));
                    }
                }
                assert!(client.join().unwrap().0 == 0, "nobody was there");
                assert_eq!(clean, Some((false, 1)));
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                while let Some(mut client) = listener.accept().unwrap() {
                    let _ = client.write_all(b"x");
                }
            }),
        test("a_worker_listens_and_is_online_however_short_its_messages_must_be")
            .policy("rr")
            .primary(|mut primary| {
                for (line, queue) in [(0, 0), (1, usize::MAX), (usize::MAX, 1)] {
                    let limits = part("").line_limit(line).queue_limit(queue);
                    let worker = primary.fork_with(limits).unwrap();
                    let soon = Instant::now() + Duration::from_secs(2);
                    let listens = loop {
                        match primary.next_event_before(soon).unwrap() {
                            Some(Event::Listening(..)) => break true,
                            None | Some(Event::Deadline) => break false,
                            _ => {}
                        }
                    };
                    primary.kill(worker, Signal::SIGKILL).unwrap();
                    primary.rest();
                    assert!(listens, "line_limit {line}, queue_limit {queue}");
                }
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                while listener.accept().unwrap().is_some() {}
            }),
        test("a_port_does_not_stay_open_for_a_worker_that_closed_its_channel_and_stays")
            .policy("rr")
            .primary(|mut primary| {
                let stays = primary.fork_with(plain("")).unwrap();
                let at = primary.hears(stays);
                primary.until(|event| matches!(event, Event::Disconnect(_)).then_some(()));
                let deadline = Instant::now() + Duration::from_secs(12);
                while !matches!(
                    primary.next_event_before(deadline).unwrap(),
                    None | Some(Event::Deadline)
                ) {}
                let open = TcpStream::connect(at.as_str().unwrap()).is_ok();
                primary.kill(stays, Signal::SIGKILL).unwrap();
                primary.rest();
                assert!(!open);
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
                writeln!(channel, "\"127.0.0.1:{port}\"").unwrap();
                channel.shutdown(Shutdown::Both).unwrap();
                std::thread::sleep(Duration::from_secs(25));
            }),
        test("many_strangers_that_end_at_once_are_all_reaped").primary(|mut primary| {
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
        test("a_primary_that_cannot_be_told_of_one_more_signal_is_told_of_the_others").primary(
            |mut primary| {
                primary.signals(&[Signal::SIGTERM]).unwrap();
                primary.fork_with(part("")).unwrap();
                primary.waits_until_online(1);
                let before = getrlimit(Resource::Nofile);
                setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..before }).unwrap();
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
            },
        ),
        test("a_primary_that_may_open_no_file_at_all_still_hears_a_signal").primary(
            |mut primary| {
                primary.signals(&[Signal::SIGTERM]).unwrap();
                primary.fork_with(part("")).unwrap();
                primary.waits_until_online(1);
                let before = getrlimit(Resource::Nofile);
                setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before }).unwrap();
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
            },
        ),
    ]
}

/// So many clients, one after the other in each of these threads: how many got exactly one answer,
/// and what became of the others.
fn clients(at: &str, threads: usize, each: usize) -> (usize, Vec<String>) {
    let threads: Vec<_> = (0..threads)
        .map(|_| {
            let at = at.to_owned();
            std::thread::spawn(move || {
                let mut lost = Vec::new();
                for _ in 0..each {
                    let asked = || -> std::io::Result<Vec<u8>> {
                        let mut client = TcpStream::connect(&at)?;
                        client.set_read_timeout(Some(Duration::from_secs(5)))?;
                        let mut text = Vec::new();
                        client.read_to_end(&mut text)?;
                        Ok(text)
                    };
                    match asked() {
                        Ok(text) if text == b"x" => {}
                        other => lost.push(format!("{other:?}")),
                    }
                }
                lost
            })
        })
        .collect();
    let all = threads.len() * each;
    let lost: Vec<String> = threads.into_iter().flat_map(|it| it.join().unwrap()).collect();
    (all - lost.len(), lost)
}
