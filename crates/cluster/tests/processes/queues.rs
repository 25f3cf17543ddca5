//! Messages that are many or large, and the side that does not read.

use std::time::{Duration, Instant};

use cluster::{Event, SendError, Sent, Settings, Worker, WorkerEvent, json};

use crate::harness::{Events, Program, Test, exit_of, part, test};

pub fn tests() -> Vec<Test> {
    vec![
        test("large_messages_go_both_ways")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                for size in [1 << 20, (8 << 20) - 2] {
                    let message = "x".repeat(size);
                    // Far beyond the limit, but the queue is empty.
                    assert_eq!(primary.send(worker, &message).unwrap(), Sent::Queued);
                    assert!(primary.hears(worker).as_str() == Some(&message));
                }
            })
            .worker(echo),
        test("what_a_worker_sent_before_its_end_arrives_whole")
            .primary(|mut primary| {
                primary.fork().unwrap();
                let mut count = 0;
                let told = primary.until(|event| match event {
                    Event::Message(_, message) => {
                        assert!(message.text().unwrap().starts_with(&format!("{count:04}")));
                        count += 1;
                        None
                    }
                    Event::Disconnect(_) => Some(count),
                    _ => None,
                });
                assert_eq!(told, 2000);
            })
            .worker(|me, _| {
                for number in 0..2000 {
                    me.send(format!("{number:04}{}", "x".repeat(196))).unwrap();
                }
                std::process::exit(0)
            }),
        test("a_worker_that_does_not_read_fills_its_queue_and_loses_nothing")
            .primary(|mut primary| {
                const LIMIT: usize = 100_000;
                primary.setup(Settings::new().queue_limit(LIMIT));
                let worker = primary.fork_with(part("deaf at first")).unwrap();
                primary.waits_until_online(1);
                let text = "x".repeat(990);
                let mut sent = 0;
                let refused = loop {
                    match primary.send(worker, (sent, &text)) {
                        Ok(Sent::Sent | Sent::Queued) => {}
                        Err(SendError::Full(message, waiting)) => {
                            assert!(waiting <= LIMIT && waiting > LIMIT - 2 * 1000);
                            break message; // it is given back
                        }
                        Err(other) => panic!("{other}"),
                    }
                    sent += 1;
                };
                assert_eq!(refused, (sent, &text));
                assert!(
                    sent > 90,
                    "what is in the worker's socket counts as well, until it is taken"
                );
                // What waits goes out while the primary waits; then there is room again.
                std::fs::remove_file(gate()).unwrap();
                while primary.send(worker, (sent, &text)).is_err() {
                    let soon = Instant::now() + Duration::from_millis(10);
                    primary.next_event_before(soon).unwrap();
                }
                primary.send(worker, "end").unwrap();
                assert_eq!(primary.hears(worker), json!(sent + 1));
            })
            .worker(|mut me, _| {
                while gate().exists() {
                    std::thread::yield_now();
                }
                let mut count = 0;
                while let Some(message) = me.recv().unwrap() {
                    if message.text().as_deref() == Some("end") {
                        me.send(count).unwrap();
                    } else {
                        assert_eq!(message.value().unwrap()[0], json!(count));
                        count += 1;
                    }
                }
            })
            .outside(|test| {
                let gate =
                    std::env::temp_dir().join(format!("cluster-gate-{}", std::process::id()));
                std::fs::write(&gate, "").unwrap();
                let mut this = std::process::Command::new(std::env::current_exe().unwrap());
                this.env("CLUSTER_GATE", &gate);
                Program::start(test, this).succeeds();
            }),
        test("messages_that_a_worker_never_read_are_told_as_undelivered")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                for _ in 0..3 {
                    primary.send(worker, "x".repeat(300_000)).unwrap();
                }
                primary.kill(worker, cluster::Signal::SIGKILL).unwrap();
                let told = primary.rest();
                assert!(told[0].contains("not delivered"), "{told:?}");
                assert_eq!(
                    told[1..],
                    ["worker 1 disconnected", "worker 1 killed by SIGKILL, unasked"]
                );
            })
            .worker(|_me, _| {
                loop {
                    std::thread::park();
                }
            }),
        test("a_worker_can_try_to_send_without_waiting")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                // The worker fills the channel while nobody reads here.
                let status = primary.pid(worker).unwrap();
                while !std::fs::read_to_string(format!("/proc/{status}/comm"))
                    .unwrap()
                    .starts_with("full")
                {}
                let mut count = 0;
                loop {
                    match primary.hears(worker) {
                        value if value == json!("end") => break,
                        value => assert_eq!(value[0], json!(count)),
                    }
                    count += 1;
                }
                assert!(count > 10);
            })
            .worker(|me, _| {
                let text = "x".repeat(1000);
                let mut count = 0;
                let refused = loop {
                    match me.try_send((count, &text)) {
                        Ok(()) => count += 1,
                        Err(SendError::Full(message, _)) => break message,
                        Err(other) => panic!("{other}"),
                    }
                };
                std::fs::write("/proc/self/comm", "full").unwrap();
                me.send(refused).unwrap();
                me.send("end").unwrap();
            }),
        test("what_was_taken_from_a_worker_that_is_asked_to_leave_arrives")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                primary.disconnect(worker);
                assert_eq!(primary.hears(worker).as_str().unwrap().len(), 1 << 20);
                assert_eq!(exit_of(&mut primary), (cluster::Exit::Code(0), true));
            })
            .worker(|mut me, _| {
                assert!(matches!(me.next_event().unwrap(), Some(WorkerEvent::Disconnect)));
                me.try_send("x".repeat(1 << 20)).unwrap();
                me.disconnect().unwrap();
            }),
    ]
}

fn gate() -> std::path::PathBuf {
    std::env::var_os("CLUSTER_GATE").unwrap().into()
}

fn echo(mut me: Worker, _: &str) {
    while let Some(message) = me.recv().unwrap() {
        me.send(message.value().unwrap()).unwrap();
    }
}
