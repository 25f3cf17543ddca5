//! Replacements take over places, and a policy looks at each place by itself.

use std::time::{Duration, Instant};

use cluster::{Event, Primary, Restart, RestartPolicy, Signal, WorkerId, json};

use crate::crashes::online;
use crate::harness::{Events, Test, part, test};
use crate::remote::until_gone;

const MS: Duration = Duration::from_millis(1);

pub fn tests() -> Vec<Test> {
    vec![
        test("the_delays_of_workers_that_die_at_birth_double_in_each_place_by_itself")
            .primary(|mut primary| {
                let mut restart =
                    RestartPolicy::back_off(10 * MS, 1000 * MS).at_most(9, 3600 * 1000 * MS);
                let first = [(); 3].map(|()| primary.fork().unwrap());
                // Who stands where, and how long its replacements waited.
                let mut places: Vec<(WorkerId, Vec<u128>)> =
                    first.map(|it| (it, Vec::new())).to_vec();
                while let Some(event) = primary.next_event().unwrap() {
                    let Event::Exit { worker, .. } = event else { continue };
                    let (last, delays) =
                        places.iter_mut().find(|(last, _)| *last == worker).unwrap();
                    if let Restart::In { delay, worker } = restart.after(worker, &mut primary) {
                        *last = worker;
                        delays.push(delay.as_millis());
                    }
                }
                // The three places share nine restarts, however they fall.
                let mut count = 0;
                for (_, delays) in places {
                    for (nth, delay) in delays.iter().enumerate() {
                        let expected = 10u128 << nth;
                        assert!((expected..=expected * 6 / 5).contains(delay), "{delays:?}");
                        count += 1;
                    }
                }
                assert_eq!(count, 9);
            })
            .worker(|_, _| std::process::exit(1)),
        test("who_lived_long_enough_is_replaced_at_once_however_often_and_uses_nothing_up")
            .primary(|mut primary| {
                let mut restart = RestartPolicy::back_off(3600 * 1000 * MS, 3600 * 1000 * MS)
                    .at_most(0, 3600 * 1000 * MS)
                    .healthy_after(30 * MS);
                let mut worker = primary.fork().unwrap();
                online(&mut primary);
                for _ in 0..5 {
                    lets_live(&mut primary, 40 * MS);
                    primary.kill(worker, Signal::SIGKILL).unwrap();
                    until_gone(&mut primary, worker);
                    let Restart::In { delay: Duration::ZERO, worker: next } =
                        restart.after(worker, &mut primary)
                    else {
                        panic!("it is replaced at once");
                    };
                    assert_eq!(online(&mut primary), next);
                    worker = next;
                }
            }),
        test("a_worker_that_dies_right_before_the_shutdown_is_not_replaced_and_that_is_no_error")
            .primary(|mut primary| {
                let mut restart = RestartPolicy::at_once().at_most(0, 3600 * 1000 * MS);
                let [dies, _stays] = [(); 2].map(|()| primary.fork().unwrap());
                primary.waits_until_online(2);
                primary.kill(dies, Signal::SIGKILL).unwrap();
                primary.begin_shutdown(30 * 1000 * MS);
                let mut last = None;
                while let Some(event) = primary.next_event().unwrap() {
                    if let Event::Exit { worker, voluntary: false, .. } = event {
                        assert_eq!(restart.after(worker, &mut primary), Restart::Stopping);
                    }
                    last = Some(event);
                }
                assert!(matches!(last, Some(Event::Stopped(_))), "{last:?}");
            }),
        test("a_fork_that_is_due_has_its_number_and_its_settings_at_once")
            .primary(|mut primary| {
                let first = primary.fork_with(part("its own")).unwrap();
                assert_eq!(primary.hears(first), json!("its own"));
                // One like a worker that lives, one like nobody, and one like nobody any more.
                let later = primary.fork_after(20 * MS, Some(first)).unwrap();
                let sooner = primary.fork_after(Duration::ZERO, None).unwrap();
                let now = primary.fork().unwrap();
                assert_eq!([first, later, sooner, now].map(WorkerId::get), [1, 2, 3, 4]);
                let mut forked = Vec::new();
                let mut said = std::collections::BTreeMap::new();
                while said.len() < 3 {
                    match primary.next_event().unwrap().unwrap() {
                        Event::Fork(worker) => forked.push(worker),
                        Event::Message(worker, message) => {
                            drop(said.insert(worker, message.value().unwrap()))
                        }
                        _ => {}
                    }
                }
                assert_eq!(forked, [now, sooner, later]);
                let expected = [(later, json!("its own")), (sooner, json!("")), (now, json!(""))];
                assert_eq!(said, expected.into());
            })
            .worker(|mut me, part| {
                me.send(part).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("the_longest_delay_does_not_overflow_and_is_cancelled_by_the_shutdown").primary(
            |mut primary| {
                let mut restart = RestartPolicy::fixed(Duration::MAX);
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                primary.fork_after(Duration::MAX, None).unwrap();
                primary.kill(worker, Signal::SIGKILL).unwrap();
                until_gone(&mut primary, worker);
                assert!(matches!(restart.after(worker, &mut primary), Restart::In { .. }));
                primary.begin_shutdown(Duration::ZERO);
                assert_eq!(primary.rest().len(), 1, "Stopped alone");
            },
        ),
    ]
}

/// Goes on for so long.
fn lets_live(primary: &mut Primary, time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        primary.next_event_before(until).unwrap().unwrap();
    }
}
