//! Workers that cannot be started: the service goes on, and they come when they can.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use cluster::{Error, Event, Primary, Settings, Signal, WorkerId};

use crate::crashes::online;
use crate::harness::{Events, Test, part, test};
use crate::remote::{asks, fork_serving, obeys};

const MS: Duration = Duration::from_millis(1);

pub fn tests() -> Vec<Test> {
    vec![
        test("a_replacement_that_cannot_be_started_is_told_and_comes_with_its_number_when_it_can")
            .primary(|mut primary| {
                let ([one, two], at) = fork_serving(&mut primary, "127.0.0.1:0");
                primary.setup(nothing());
                primary.kill(one, Signal::SIGKILL).unwrap();
                gone(&mut primary, one);
                let next = primary.fork_after(Duration::ZERO, Some(one)).unwrap();
                for _ in 0..3 {
                    assert_eq!(fails(&mut primary).0, next);
                    assert_eq!(asks(&mut primary, &at), two.to_string(), "its sibling serves on");
                }
                primary.setup(Settings::new().exec(std::env::current_exe().unwrap()));
                assert_eq!(online(&mut primary), next);
            })
            .worker(obeys),
        test("a_fork_that_fails_is_tried_ever_more_slowly_and_others_come_meanwhile").primary(
            |mut primary| {
                let bad = primary.fork_after(Duration::ZERO, None).unwrap();
                primary.setup(nothing());
                let begun = Instant::now();
                let pauses: Vec<Duration> = (0..3)
                    .map(|_| {
                        let (worker, again) = fails(&mut primary);
                        assert_eq!(worker, bad);
                        again - Instant::now()
                    })
                    .collect();
                assert!(begun.elapsed() >= 300 * MS, "0.1 s and 0.2 s lie between them");
                assert!(pauses.is_sorted() && pauses[2] >= 350 * MS, "{pauses:?}");
                let exec = std::env::current_exe().unwrap();
                let good = primary.fork_with(Settings::new().exec(exec)).unwrap();
                assert_eq!(online(&mut primary), good);
            },
        ),
        test("a_fork_that_is_cancelled_never_comes").primary(|mut primary| {
            let late = primary.fork_after(Duration::from_secs(3600), None).unwrap();
            let failing = primary.fork_after(Duration::ZERO, None).unwrap();
            primary.setup(nothing());
            assert_eq!(fails(&mut primary).0, failing);
            assert!(primary.cancel(failing) && primary.cancel(late));
            assert!(!primary.cancel(late), "once");
            assert!(primary.next_event().unwrap().is_none(), "nobody is due");
        }),
        test("fork_itself_returns_its_error_and_nobody_is_due").primary(|mut primary| {
            primary.setup(nothing());
            assert!(matches!(primary.fork(), Err(Error::Spawn { .. })));
            assert!(matches!(primary.next_event().unwrap(), Some(Event::Setup(_))));
            while let Some(event) = primary.next_event().unwrap() {
                assert!(matches!(event, Event::Setup(_)), "{event:?}");
            }
        }),
        test("a_shutdown_cancels_forks_that_fail").primary(|mut primary| {
            let failing = primary.fork_after(Duration::ZERO, None).unwrap();
            primary.setup(nothing());
            assert_eq!(fails(&mut primary).0, failing);
            primary.begin_shutdown(Duration::from_secs(10));
            let told = primary.rest();
            assert!(told.last().unwrap().starts_with("Stopped"), "{told:?}");
            assert!(matches!(primary.fork_after(MS, None), Err(Error::ShuttingDown)));
        }),
        test("a_port_whose_last_user_crashed_stays_open_while_the_program_holds_it")
            .primary(|mut primary| {
                let ([one], at) = fork_serving(&mut primary, "127.0.0.1:0");
                primary.hold_listeners(true);
                primary.kill(one, Signal::SIGKILL).unwrap();
                gone(&mut primary, one);
                // No worker, none due: without the hold this would be the end.
                let deadline = Instant::now() + 50 * MS;
                let event = primary.next_event_before(deadline).unwrap();
                assert!(matches!(event, Some(Event::Deadline)), "{event:?}");
                let client = std::net::TcpStream::connect(&at).unwrap();
                let ([next], again) = fork_serving(&mut primary, "127.0.0.1:0");
                assert_eq!(again, at);
                let name =
                    crate::remote::meanwhile(&mut primary, || crate::scheduling::text_of(client));
                assert_eq!(name, next.to_string());
                primary.hold_listeners(false);
                primary.kill(next, Signal::SIGKILL).unwrap();
                while primary.next_event().unwrap().is_some() {}
                assert!(std::net::TcpStream::connect(&at).is_err());
            })
            .worker(obeys),
        test("a_worker_can_be_replaced_with_what_its_fork_had_although_others_died_since")
            .primary(|mut primary| {
                let first = primary.fork_with(part("first")).unwrap();
                let others: Vec<WorkerId> =
                    (0..5).map(|_| primary.fork_with(part("other")).unwrap()).collect();
                primary.waits_until_online(6);
                for worker in std::iter::once(first).chain(others) {
                    primary.kill(worker, Signal::SIGKILL).unwrap();
                    gone(&mut primary, worker);
                }
                let next = primary.fork_after(Duration::ZERO, Some(first)).unwrap();
                assert_eq!(primary.hears(next), cluster::json!("first"));
            })
            .worker(|mut me, part| {
                if part == "first" {
                    me.send(part).unwrap();
                }
                while me.recv().unwrap().is_some() {}
            }),
    ]
}

/// Settings for a program that is not there.
fn nothing() -> Settings {
    Settings::new().exec(PathBuf::from("/no/such/program"))
}

/// The next fork that fails, and when it is tried again.
fn fails(primary: &mut Primary) -> (WorkerId, Instant) {
    primary.until(|event| match event {
        Event::ForkFailed { worker, error, retry_at } => {
            assert!(matches!(error, Error::Spawn { .. }), "{error}");
            Some((worker, retry_at))
        }
        _ => None,
    })
}

pub fn gone(primary: &mut Primary, worker: WorkerId) {
    primary.until(|event| match event {
        Event::Exit { worker: gone, .. } => (gone == worker).then_some(()),
        _ => None,
    });
}
