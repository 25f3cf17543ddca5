//! How long primary and workers wait, and what ends it.

use std::time::{Duration, Instant};

use cluster::{Event, Primary, WorkerEvent, json};

use crate::harness::{Events, Test, test};

pub fn tests() -> Vec<Test> {
    vec![
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
                me.send(message.value().unwrap()).unwrap();
            }),
        test("a_deadline_that_has_passed_still_looks_for_news")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let past = Instant::now();
                // A program whose every round takes longer than its clock.
                let hears = |expected: &str, primary: &mut Primary| loop {
                    match primary.next_event_before(past).unwrap().unwrap() {
                        Event::Message(_, message)
                            if message.value().unwrap() == json!(expected) =>
                        {
                            break;
                        }
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
                    let event = me.next_event_before(past).unwrap();
                    if let Some(WorkerEvent::Message(message)) = event {
                        break me.send(message.value().unwrap()).unwrap();
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
    ]
}
