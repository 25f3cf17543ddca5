//! A worker whose primary sends without end, or never reads.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use cluster::{Error, Event, Listener, Worker, WorkerEvent};

use crate::harness::{DEADLINE, Events, Test, test};
use crate::raw_primary::{OURS, RawPrimary, memory_of};

/// Memory that a worker may have, whatever its primary does, in MiB.
const MOST_MEMORY: u64 = 64;

pub fn tests() -> Vec<Test> {
    vec![
        test("a_worker_that_takes_no_messages_keeps_a_part_of_them_and_counts_the_rest")
            .primary(|_| {
                for (message, times) in [("1\n", 1_000_000), (&*long_message(), 2_000)] {
                    let mut raw = RawPrimary::forks("", None);
                    raw.grants(false);
                    assert_eq!(raw.floods(message, times, DEADLINE), times);
                    raw.acts("\"act\":\"disconnect\"");
                    let [kept, dropped, memory] =
                        [(); 3].map(|()| raw.hears_the_program().as_u64().unwrap());
                    assert_eq!(kept + dropped, times as u64);
                    assert!(kept > 100 && dropped > 0, "{kept} kept, {dropped} dropped");
                    assert!(memory < MOST_MEMORY, "{memory} MiB");
                    raw.ends_well();
                }
            })
            .worker(only_accepts),
        test("a_worker_keeps_all_that_a_primary_of_ours_sends_and_that_is_bounded_too")
            .primary(|_| {
                // As much as the usual queue limit lets through, in messages as short as can be.
                let mut raw = RawPrimary::forks("", Some(OURS));
                raw.grants(true);
                let times = 1024 * 1024 / 2;
                assert_eq!(raw.floods("1\n", times, DEADLINE), times);
                raw.acts("\"act\":\"disconnect\"");
                let [kept, dropped, memory] =
                    [(); 3].map(|()| raw.hears_the_program().as_u64().unwrap());
                assert_eq!((kept, dropped), (times as u64, 0));
                assert!(memory < MOST_MEMORY, "{memory} MiB");
                raw.ends_well();
            })
            .worker(only_accepts),
        test(
            "a_primary_of_ours_is_told_full_by_a_worker_that_takes_nothing_and_drain_when_it_does",
        )
        .primary(|mut primary| {
            let worker = primary.fork().unwrap();
            let at = primary.hears(worker).as_str().unwrap().to_owned();
            let text = "x".repeat(10_000);
            let mut sent = 0;
            while sent < 1_000 && primary.send(worker, &text).is_ok() {
                sent += 1;
                // What is in its channel is read all the while.
                primary.next_event_before(Instant::now()).unwrap();
            }
            assert!((50..110).contains(&sent), "{sent} messages");
            let _client = std::net::TcpStream::connect(at).unwrap();
            primary.until(|event| matches!(event, Event::Drain(_)).then_some(()));
            primary.send(worker, "the last").unwrap();
            assert_eq!(primary.hears(worker), sent);
        })
        .worker(|mut me, _| {
            let listener = me.listen("127.0.0.1:0").unwrap();
            me.send(listener.address().to_string()).unwrap();
            let _client = listener.accept().unwrap();
            let mut taken = 0;
            while me.recv().unwrap().unwrap().parse::<String>().unwrap() != "the last" {
                taken += 1;
            }
            me.send(taken).unwrap();
            assert!(me.recv().unwrap().is_none());
        }),
        test("handles_that_nobody_takes_do_not_fill_the_table_of_a_worker")
            .primary(|_| {
                let mut raw = RawPrimary::forks("", None);
                raw.grants(false);
                let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
                let handle = "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":1}";
                for _ in 0..2_000 {
                    raw.says_with(handle, socket.as_fd());
                }
                raw.acts("\"act\":\"disconnect\"");
                let [kept, dropped] = [(); 2].map(|()| raw.hears_the_program().as_u64().unwrap());
                assert_eq!(kept + dropped, 2_000);
                assert!((100..400).contains(&kept), "{kept} kept");
                raw.ends_well();
            })
            .worker(only_accepts),
        test("a_primary_that_asks_without_end_and_never_reads_fills_no_memory")
            .primary(|_| {
                let mut raw = RawPrimary::forks("", None);
                raw.grants(false);
                let question = "{\"cmd\":\"NODE_SOCKET_GET_COUNT\",\"key\":\"k\"}\n";
                let asked = raw.floods(question, 5_000_000, Duration::from_secs(1));
                assert!(asked < 5_000_000, "the worker goes on reading");
                let memory = raw.most_memory();
                assert!(memory < MOST_MEMORY, "{memory} MiB");
                // Each question is answered when it reads at last.
                let mut answered = 0;
                while answered < asked {
                    answered += usize::from(raw.line()["cmd"] == "NODE_SOCKET_COUNT");
                }
                raw.acts("\"act\":\"disconnect\"");
                raw.hears_the_program();
                raw.ends_well();
            })
            .worker(only_accepts),
        test("a_primary_that_does_not_read_is_not_told_every_change_of_who_waits")
            .primary(|_| {
                let mut raw = RawPrimary::forks("", Some(OURS));
                raw.grants(true);
                std::io::stdin().read_line(&mut String::new()).unwrap();
                raw.acts("\"act\":\"disconnect\"");
                let grown = raw.hears_the_program().as_u64().unwrap();
                assert!(grown < 10, "{grown} MiB more");
                raw.ends_well();
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                let now = || memory_of(std::process::id(), "VmRSS:");
                let before = now();
                for _ in 0..150_000 {
                    assert!(listener.accept_before(Instant::now()).unwrap().is_none());
                }
                let grown = now() - before;
                println!("waited");
                me.send(grown).unwrap();
                while me.recv().unwrap().is_some() {}
            })
            .outside(|test| {
                let mut program = test.start();
                program.says("waited");
                program.is_told("read now");
                program.succeeds();
            }),
        test("what_does_not_fit_into_the_channel_goes_out_although_the_thread_that_reads_sleeps")
            .primary(|_| {
                let mut raw = RawPrimary::forks("", None);
                raw.hears("online");
                std::io::stdin().read_line(&mut String::new()).unwrap();
                assert_eq!(raw.hears_the_program().as_str().unwrap().len(), 4 << 20);
                raw.acts("\"act\":\"disconnect\"");
                raw.ends_well();
            })
            .worker(|me, _| {
                me.run_in_background().unwrap();
                while !thread_sleeps("channel") {
                    std::thread::yield_now();
                }
                me.try_send("x".repeat(4 << 20)).unwrap();
                println!("sent");
                while !me.is_leaving() {
                    std::thread::park_timeout(Duration::from_millis(5));
                }
            })
            .outside(|test| {
                let mut program = test.start();
                program.says("sent");
                program.is_told("read now");
                program.succeeds();
            }),
    ]
}

/// Whether the thread of this name sleeps: the third word of /proc/self/task/TID/stat.
fn thread_sleeps(name: &str) -> bool {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let stats = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("stat")));
    stats.flatten().any(|stat| stat.contains(&format!("({name}) S")))
}

fn long_message() -> String {
    format!("\"{}\"\n", "x".repeat(100_000))
}

/// Calls `accept` until it is asked to leave; then it says how many messages were kept, how many
/// were not, and the most memory that it had.
fn only_accepts(mut me: Worker, _: &str) {
    let listener: Listener = me.listen("127.0.0.1:0").unwrap();
    assert!(listener.accept().unwrap().is_none());
    let (mut kept, mut dropped) = (0, 0);
    loop {
        match me.next_event().unwrap().unwrap() {
            WorkerEvent::Message(_) => {
                assert_eq!(dropped, 0, "those that came first are kept");
                kept += 1;
            }
            WorkerEvent::Error(Error::Dropped(count)) => {
                assert_eq!(dropped, 0, "it is told once");
                dropped = count;
            }
            WorkerEvent::Disconnect => break,
            other => panic!("{other:?}"),
        }
    }
    me.send(kept).unwrap();
    me.send(dropped).unwrap();
    me.send(memory_of(std::process::id(), "VmHWM:")).unwrap();
    assert!(me.next_event().unwrap().is_none());
}
