//! What primary and workers say to each other.

use std::time::{Duration, Instant};

use cluster::{
    Error, Event, Primary, SendError, Sent, Settings, Worker, WorkerEvent, WorkerId, json,
};

use crate::harness::{Events, Test, exit_of, part, test};

pub fn tests() -> Vec<Test> {
    vec![
        test("every_json_value_comes_back_as_it_went")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                for value in [
                    json!(null),
                    json!("grüße\n\u{2028}\u{0}\u{1f600}"),
                    json!([1, -2.5, true, {"deep": [[[]]]}]),
                    json!({"cmd": "NODE_"}),
                    json!({"cmd": 7}),
                    json!(u64::MAX),
                    json!(i64::MIN),
                ] {
                    primary.send(worker, &value).unwrap();
                    assert_eq!(primary.hears(worker), value);
                }
            })
            .worker(echo),
        test("a_message_is_taken_as_a_type_of_the_program")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.send(worker, (1, "two", [3.0])).unwrap();
                primary.until(|event| match event {
                    Event::Message(_, message) => {
                        let parsed: (u8, String, Vec<f64>) = message.parse().unwrap();
                        assert_eq!(parsed, (1, "two".into(), vec![3.0]));
                        Some(())
                    }
                    _ => None,
                });
                primary.send(worker, "text").unwrap();
                primary.until(|event| match event {
                    Event::Message(_, message) => {
                        assert_eq!(message.as_str(), Some("text"));
                        let refusal = message.parse::<u8>().unwrap_err();
                        assert!(matches!(refusal, Error::UnexpectedMessage(_)));
                        Some(())
                    }
                    _ => None,
                });
            })
            .worker(echo),
        test("what_json_cannot_say_is_refused_and_nothing_is_sent")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let unsayable = std::collections::HashMap::from([((1, 2), 3)]);
                let refusal = primary.send(worker, &unsayable).unwrap_err();
                assert!(matches!(refusal, SendError::Failed(Error::NotJson(_))));
                assert!(matches!(primary.broadcast(&unsayable), Err(Error::NotJson(_))));
                primary.send(worker, 1).unwrap();
                assert_eq!(primary.hears(worker), json!(1));
            })
            .worker(echo),
        test("large_messages_go_both_ways")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                for size in [1 << 20, 8 << 20] {
                    let message = "x".repeat(size);
                    // Far beyond the limit, but the queue is empty.
                    assert_eq!(primary.send(worker, &message).unwrap(), Sent::Queued);
                    assert!(primary.hears(worker).as_str() == Some(&message));
                }
            })
            .worker(echo),
        test("messages_sent_before_the_worker_reads_are_kept")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                for number in 0..100 {
                    primary.send(worker, number).unwrap(); // it does not even run yet
                }
                primary.waits_until_online(1);
                primary.send(worker, "go").unwrap();
                assert_eq!(primary.hears(worker), json!((0..100).collect::<Vec<_>>()));
            })
            .worker(|mut me, _| {
                let mut early = Vec::new();
                while let Some(message) = me.recv().unwrap() {
                    if message.as_str() == Some("go") {
                        me.send(std::mem::take(&mut early)).unwrap();
                    } else {
                        early.push(message.value);
                    }
                }
            }),
        test("what_a_worker_sent_before_its_end_arrives_whole")
            .primary(|mut primary| {
                primary.fork().unwrap();
                let mut count = 0;
                let told = primary.until(|event| match event {
                    Event::Message(_, message) => {
                        assert!(message.as_str().unwrap().starts_with(&format!("{count:04}")));
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
                let (mut sent, mut queued) = (0, 0);
                let refused = loop {
                    match primary.send(worker, (sent, &text)) {
                        Ok(Sent::Sent) => assert_eq!(queued, 0),
                        Ok(Sent::Queued) => queued += 1,
                        Err(SendError::Full(message, waiting)) => {
                            assert!(waiting <= LIMIT && waiting > LIMIT - 2 * 1000);
                            break message; // it is given back
                        }
                        Err(other) => panic!("{other}"),
                    }
                    sent += 1;
                };
                assert_eq!(refused, (sent, &text));
                assert!(queued > 90);
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
                    if message.as_str() == Some("end") {
                        me.send(count).unwrap();
                    } else {
                        assert_eq!(message.value[0], json!(count));
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
                crate::harness::Program::start(test, this).succeeds();
            }),
        test("a_broadcast_reaches_all_who_are_connected_and_names_who_missed_it")
            .primary(|mut primary| {
                let workers: Vec<_> = (0..3).map(|_| primary.fork().unwrap()).collect();
                let leaving = primary.fork_with(part("leaving")).unwrap();
                primary.until(|event| matches!(event, Event::Disconnect(_)).then_some(()));
                assert!(primary.broadcast("hello").unwrap().is_empty());
                let mut heard = Vec::new();
                primary.until(|event| {
                    if let Event::Message(worker, message) = event {
                        assert_eq!(message.as_str(), Some("hello"));
                        heard.push(worker);
                    }
                    (heard.len() == workers.len()).then_some(())
                });
                heard.sort();
                assert_eq!(heard, workers);
                let refusal = primary.send(leaving, "hello").unwrap_err();
                assert!(matches!(refusal, SendError::Failed(Error::Closed(who)) if who == leaving));
            })
            .worker(|me, part| match part {
                "leaving" => leave_and_stay(me),
                _ => echo(me, part),
            }),
        test("nothing_is_sent_to_who_is_leaving_or_gone").primary(|mut primary| {
            let worker = primary.fork().unwrap();
            primary.waits_until_online(1);
            primary.disconnect(worker);
            assert!(matches!(primary.send(worker, 1), Err(SendError::Failed(Error::Closed(_)))));
            exit_of(&mut primary);
            let refusal = primary.send(worker, 1).unwrap_err();
            assert!(matches!(refusal, SendError::Failed(Error::NoSuchWorker(_))));
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
        test("after_its_disconnect_a_worker_reads_none_and_its_sends_fail")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                primary.disconnect(worker);
                assert_eq!(exit_of(&mut primary).0, cluster::Exit::Code(0));
            })
            .worker(|mut me, _| {
                assert!(matches!(me.next_event().unwrap(), Some(WorkerEvent::Disconnect)));
                me.send("my last words").unwrap();
                assert!(me.recv().unwrap().is_none());
                assert!(!me.is_connected());
                assert!(matches!(me.send(1), Err(Error::PrimaryGone)));
                assert!(matches!(me.try_send(1), Err(SendError::Failed(Error::PrimaryGone))));
                assert!(me.recv().unwrap().is_none());
            }),
        test("the_last_words_of_a_worker_that_is_asked_to_leave_arrive")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                primary.disconnect(worker);
                assert_eq!(primary.hears(worker).as_str().unwrap().len(), 1 << 20);
                assert_eq!(exit_of(&mut primary), (cluster::Exit::Code(0), true));
            })
            .worker(|mut me, _| {
                assert!(matches!(me.next_event().unwrap(), Some(WorkerEvent::Disconnect)));
                me.send("x".repeat(1 << 20)).unwrap();
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
        test("a_deadline_passes_on_both_sides_and_nothing_is_lost")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                let deadline = Instant::now() + Duration::from_millis(20);
                let event = primary.next_event_before(deadline).unwrap();
                assert!(matches!(event, Some(Event::Deadline)) && Instant::now() >= deadline);
                primary.send(worker, "start").unwrap();
                assert_eq!(primary.hears(worker), json!("a deadline"));
                primary.send(worker, "go").unwrap();
                assert_eq!(primary.hears(worker), json!("go"));
            })
            .worker(|mut me, _| {
                me.recv().unwrap().unwrap();
                let deadline = Instant::now() + Duration::from_millis(1);
                let first = me.next_event_before(deadline).unwrap();
                assert!(matches!(first, Some(WorkerEvent::Deadline)), "{first:?}");
                me.send("a deadline").unwrap();
                let message = me.recv().unwrap().unwrap();
                me.send(message.value).unwrap();
            }),
        test("a_deadline_that_has_passed_still_looks_for_news")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let past = Instant::now();
                // A program whose every round takes longer than its clock.
                let hears = |expected: &str, primary: &mut Primary| loop {
                    match primary.next_event_before(past).unwrap().unwrap() {
                        Event::Message(_, message) if message.value == json!(expected) => break,
                        _ => {}
                    }
                };
                hears("ready", &mut primary);
                primary.send(worker, "hello").unwrap();
                hears("hello", &mut primary);
            })
            .worker(|mut me, _| {
                me.send("ready").unwrap();
                let past = Instant::now();
                loop {
                    match me.next_event_before(past).unwrap().unwrap() {
                        WorkerEvent::Message(message) => break me.send(message.value).unwrap(),
                        _ => {}
                    }
                }
            }),
        test("another_thread_wakes_the_primary_once_for_many_calls").primary(|mut primary| {
            primary.fork().unwrap();
            primary.waits_until_online(1);
            let waker = primary.waker();
            let thread = std::thread::spawn(move || (0..1000).for_each(|_| waker.wake()));
            let first = primary.next_event().unwrap();
            assert!(matches!(first, Some(Event::Woken)));
            thread.join().unwrap();
            let mut more = 0;
            while !matches!(
                primary.next_event_before(Instant::now()).unwrap(),
                Some(Event::Deadline)
            ) {
                more += 1;
            }
            assert!(more <= 2, "{more}");
        }),
        test("many_workers_talk_at_once_and_each_keeps_its_order")
            .primary(|mut primary| {
                let workers: Vec<_> = (0..8).map(|_| primary.fork().unwrap()).collect();
                for number in 0..200 {
                    assert!(primary.broadcast(number).unwrap().is_empty());
                }
                let mut next = vec![0; workers.len()];
                let place = |who: WorkerId| who.get() as usize - 1;
                primary.until(|event| {
                    if let Event::Message(worker, message) = event {
                        assert_eq!(message.value, json!(next[place(worker)]));
                        next[place(worker)] += 1;
                    }
                    next.iter().all(|&count| count == 200).then_some(())
                });
            })
            .worker(echo),
    ]
}

fn gate() -> std::path::PathBuf {
    std::env::var_os("CLUSTER_GATE").unwrap().into()
}

fn echo(mut me: Worker, _: &str) {
    while let Some(message) = me.recv().unwrap() {
        me.send(message.value).unwrap();
    }
}

fn leave_and_stay(mut me: Worker) {
    me.disconnect().unwrap();
    loop {
        std::thread::park();
    }
}
