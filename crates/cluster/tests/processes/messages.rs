//! What primary and workers say to each other.

use cluster::{Error, Event, SendError, Worker, WorkerEvent, WorkerId, json};

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
                        assert_eq!(message.text().as_deref(), Some("text"));
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
                    if message.text().as_deref() == Some("go") {
                        me.send(std::mem::take(&mut early)).unwrap();
                    } else {
                        early.push(message.value().unwrap());
                    }
                }
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
                        assert_eq!(message.text().as_deref(), Some("hello"));
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
                        assert_eq!(message.value().unwrap(), json!(next[place(worker)]));
                        next[place(worker)] += 1;
                    }
                    next.iter().all(|&count| count == 200).then_some(())
                });
            })
            .worker(echo),
    ]
}

fn echo(mut me: Worker, _: &str) {
    while let Some(message) = me.recv().unwrap() {
        me.send(message.value().unwrap()).unwrap();
    }
}

fn leave_and_stay(mut me: Worker) {
    me.disconnect().unwrap();
    loop {
        std::thread::park();
    }
}
