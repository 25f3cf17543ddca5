//! Workers that die while they listen: the port stays, and so do the clients.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use cluster::{Event, Primary, Restart, RestartPolicy, Signal, WorkerId, json};

use crate::harness::{Events, Test, in_both, part, test};
use crate::remote::{
    asks, fork_serving, fork_some, is_refused, meanwhile, order, tell, until_gone,
};
use crate::scheduling::text_of;

pub fn tests() -> Vec<Test> {
    let both = [
        in_both(
            "clients_of_a_listener_whose_last_user_crashed_are_served_by_its_replacement",
            |mut primary| {
                let mut restart = RestartPolicy::fixed(Duration::from_millis(300));
                let ([crashes], at) = fork_serving(&mut primary, "127.0.0.1:0");
                primary.kill(crashes, Signal::SIGKILL).unwrap();
                until_gone(&mut primary, crashes);
                let begin = Instant::now();
                let Restart::In { delay, worker: due } = restart.after(crashes, &mut primary)
                else {
                    panic!("it is replaced");
                };
                assert_eq!(delay, Duration::from_millis(300));
                // Nobody is there: they connect all the same.
                let clients: Vec<_> = (0..20).map(|_| TcpStream::connect(&at).unwrap()).collect();
                let replacement = online(&mut primary);
                assert_eq!(replacement, due);
                assert!(begin.elapsed() >= Duration::from_millis(300));
                assert_eq!(tell(&mut primary, replacement, "listen 127.0.0.1:0"), at);
                order(&mut primary, &[replacement], "serve 0");
                let names = meanwhile(&mut primary, move || {
                    clients.into_iter().map(text_of).collect::<BTreeSet<_>>()
                });
                assert_eq!(names, [replacement.to_string()].into());
            },
        ),
        in_both("a_replacement_gets_every_port_of_a_worker_that_crashed", |mut primary| {
            let [crashes] = fork_some(&mut primary);
            let ports = [0, 1].map(|_| tell(&mut primary, crashes, "listen 127.0.0.1:0"));
            primary.kill(crashes, Signal::SIGKILL).unwrap();
            until_gone(&mut primary, crashes);
            let [replacement] = fork_some(&mut primary);
            assert_eq!(
                ports,
                [0, 1].map(|_| tell(&mut primary, replacement, "listen 127.0.0.1:0"))
            );
            order(&mut primary, &[replacement], "serve 1");
            assert_eq!(asks(&mut primary, &ports[1]), replacement.to_string());
        }),
        in_both("a_listener_whose_last_user_left_on_purpose_is_closed_at_once", |mut primary| {
            let [leaves] = fork_some(&mut primary);
            let at = tell(&mut primary, leaves, "listen 127.0.0.1:0");
            // A fork is due, but nobody is missed.
            primary.fork_after(Duration::from_millis(50), None).unwrap();
            order(&mut primary, &[leaves], "leave");
            until_gone(&mut primary, leaves);
            assert!(is_refused(&at));
            online(&mut primary);
        }),
        in_both("a_listener_that_nobody_comes_for_is_closed", |mut primary| {
            let [stays, crashes] = fork_some(&mut primary);
            let at = tell(&mut primary, crashes, "listen 127.0.0.1:0");
            primary.kill(crashes, Signal::SIGKILL).unwrap();
            until_gone(&mut primary, crashes);
            tell(&mut primary, stays, "listen 127.0.0.1:0");
            assert!(is_refused(&at));
        }),
        in_both("all_workers_crash_twenty_times_and_no_client_is_refused", |mut primary| {
            let (mut workers, at) = fork_serving::<2>(&mut primary, "127.0.0.1:0");
            for _ in 0..20 {
                for worker in workers {
                    primary.kill(worker, Signal::SIGKILL).unwrap();
                }
                let client = TcpStream::connect(&at).unwrap();
                let mut gone = 0;
                primary.until(|event| {
                    gone += usize::from(matches!(event, Event::Exit { .. }));
                    (gone == 2).then_some(())
                });
                let (next, same) = fork_serving::<2>(&mut primary, "127.0.0.1:0");
                assert_eq!(same, at);
                workers = next;
                let name = meanwhile(&mut primary, move || text_of(client));
                assert!(workers.iter().any(|worker| worker.to_string() == name), "{name}");
            }
        }),
    ];
    let mut tests: Vec<Test> = both.into_iter().flatten().collect();
    tests.extend(restarts());
    tests
}

fn restarts() -> [Test; 3] {
    [
        test("a_worker_that_is_due_keeps_the_events_going_and_gets_its_settings")
            .primary(|mut primary| {
                let mut restart = RestartPolicy::fixed(Duration::from_millis(30));
                let first = primary.fork_with(part("its own")).unwrap();
                assert_eq!(primary.hears(first), json!("its own"));
                for _ in 0..3 {
                    let gone = primary.until(|event| match event {
                        Event::Exit { worker, .. } => Some(worker),
                        _ => None,
                    });
                    assert_eq!(primary.workers().count(), 0);
                    assert!(matches!(restart.after(gone, &mut primary), Restart::In { .. }));
                    let replacement = online(&mut primary);
                    assert_eq!(primary.hears(replacement), json!("its own"));
                }
            })
            .worker(|me, part| me.send(part).unwrap()),
        test("restarts_are_given_up_when_there_are_too_many")
            .primary(|mut primary| {
                let mut restart = RestartPolicy::at_once().at_most(5, Duration::from_secs(60));
                primary.fork().unwrap();
                let (mut exits, mut gave_up) = (0, 0);
                while let Some(event) = primary.next_event().unwrap() {
                    if let Event::Exit { worker, .. } = event {
                        exits += 1;
                        match restart.after(worker, &mut primary) {
                            Restart::GaveUp { restarts: 5, .. } => gave_up += 1,
                            Restart::In { .. } => {}
                            other => panic!("{other:?}"),
                        }
                    }
                }
                assert_eq!((exits, gave_up), (6, 1));
            })
            .worker(|_, _| std::process::exit(1)),
        test("a_fork_that_is_due_is_cancelled_by_the_shutdown").primary(|mut primary| {
            primary.fork().unwrap();
            primary.waits_until_online(1);
            primary.fork_after(Duration::from_millis(1), None).unwrap();
            primary.begin_shutdown(Duration::from_secs(60));
            let told = primary.rest();
            assert!(told.last().unwrap().starts_with("Stopped"), "{told:?}");
            assert_eq!(told.iter().filter(|event| event.ends_with("forked")).count(), 0);
        }),
    ]
}

pub fn online(primary: &mut Primary) -> WorkerId {
    primary.until(|event| match event {
        Event::Online(worker) => Some(worker),
        _ => None,
    })
}
