//! A primary that the system gives nothing: no descriptor for a fork, for a socket, for a handle;
//! not even for poll(2).

use std::net::TcpStream;
use std::time::Duration;

use cluster::{Event, Primary, Signal, WorkerId, json};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::forks::gone;
use crate::harness::{Events, Test, in_both, part, test};
use crate::remote::{asks, fork_serving, fork_some, obeys};

/// From now on this process may have that many descriptors.
fn limit(descriptors: u64) {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, descriptors, hard).unwrap();
}

/// From now on so many descriptors are free in this process.
fn leave_free(free: u64) {
    let open = |number: u64| std::fs::exists(format!("/proc/self/fd/{number}")).unwrap();
    let numbers = (0..).filter(|&number| !open(number));
    limit(numbers.take(free as usize + 1).last().unwrap());
}

pub fn tests() -> Vec<Test> {
    let mut tests = in_both(
        "without_a_free_descriptor_the_others_serve_and_the_dead_come_back",
        |mut primary| {
            let ([one, two], at) = fork_serving(&mut primary, "127.0.0.1:0");
            primary.kill(one, Signal::SIGKILL).unwrap();
            gone(&mut primary, one);
            leave_free(2);
            let next = primary.fork_after(Duration::ZERO, Some(one)).unwrap();
            let failed = primary.until(|event| match event {
                Event::ForkFailed { worker, .. } => Some(worker),
                _ => None,
            });
            assert_eq!(failed, next);
            limit(1024);
            until_online(&mut primary, next);
            assert_eq!(asks(&mut primary, &at), two.to_string());
        },
    )
    .to_vec();
    tests.extend(in_both(
        "a_limit_below_the_number_of_its_descriptors_does_not_end_a_service",
        |mut primary| {
            let ([_one, _two], at) = fork_serving(&mut primary, "127.0.0.1:0");
            let client = TcpStream::connect(&at).unwrap();
            limit(4); // poll(2) refuses more than that many
            rests(&mut primary, Duration::from_millis(200));
            limit(1024);
            let name =
                crate::remote::meanwhile(&mut primary, || crate::scheduling::text_of(client));
            assert!(name.starts_with("worker"), "{name}");
            assert!(asks(&mut primary, &at).starts_with("worker"));
        },
    ));
    tests.push(
        test("a_worker_that_is_forked_in_a_shortage_has_the_limit_of_better_days")
            .primary(|mut primary| {
                let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
                leave_free(12);
                let worker = primary.fork().unwrap();
                let has = primary.hears(worker);
                assert_eq!(has, json!(soft), "{has}");
            })
            .worker(|mut me, _| {
                // The primary lifts the limit as soon as it knows the process.
                let begun = std::time::Instant::now();
                let soft = || getrlimit(Resource::RLIMIT_NOFILE).unwrap().0;
                while soft() < 64 && begun.elapsed() < crate::harness::DEADLINE {
                    std::thread::yield_now();
                }
                me.send(soft()).unwrap();
                while me.recv().unwrap().is_some() {}
            }),
    );
    tests.push(
        test("clients_cannot_take_the_descriptors_that_a_fork_needs")
            .policy("rr")
            .primary(|mut primary| {
                let ([one], at) = fork_serving(&mut primary, "127.0.0.1:0");
                primary.kill(one, Signal::SIGSTOP).unwrap();
                let clients: Vec<_> = (0..60).map(|_| TcpStream::connect(&at).unwrap()).collect();
                leave_free(24);
                rests(&mut primary, Duration::from_millis(300));
                let [two] = fork_some(&mut primary);
                assert!(!primary.is_dead(two));
                drop(clients);
            })
            .worker(obeys),
    );
    tests.push(
        test("a_worker_that_asks_to_listen_while_descriptors_are_short_is_answered_later")
            .primary(|mut primary| {
                let worker = primary.fork_with(part("listens when told")).unwrap();
                primary.waits_until_online(1);
                leave_free(0);
                primary.send(worker, "now").unwrap();
                rests(&mut primary, Duration::from_millis(200));
                limit(1024);
                assert_eq!(primary.hears(worker), json!("listens"));
            })
            .worker(|mut me, _| {
                me.recv().unwrap();
                let _listener = me.listen("127.0.0.1:0").unwrap();
                me.send("listens").unwrap();
                while me.recv().unwrap().is_some() {}
            }),
    );
    tests.push(
        test("handles_that_come_while_descriptors_are_short_arrive_later")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                leave_free(3);
                primary.send(worker, "send them").unwrap();
                let until = std::time::Instant::now() + Duration::from_millis(300);
                let mut handles = Vec::new();
                let mut hear = |event: Event| match event {
                    Event::Message(_, mut message) => handles.extend(message.handle.take()),
                    Event::Error(_, error) => panic!("{error}"),
                    _ => {}
                };
                while let Some(event) = primary.next_event_before(until).unwrap() {
                    if matches!(event, Event::Deadline) {
                        break;
                    }
                    hear(event);
                }
                limit(1024);
                primary.send(worker, "leave").unwrap();
                while let Some(event) = primary.next_event().unwrap() {
                    hear(event);
                }
                assert_eq!(handles.len(), 8);
            })
            .worker(|mut me, _| {
                me.recv().unwrap();
                for number in 0..8 {
                    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
                    me.send_with(number, socket).unwrap();
                }
                me.recv().unwrap();
                me.disconnect().unwrap();
            }),
    );
    tests
}

/// For this time nothing happens, and nothing goes wrong.
fn rests(primary: &mut Primary, time: Duration) {
    let until = std::time::Instant::now() + time;
    let event = primary.next_event_before(until).unwrap();
    assert!(matches!(event, Some(Event::Deadline)), "{event:?}");
}

fn until_online(primary: &mut Primary, worker: WorkerId) {
    primary.until(|event| matches!(event, Event::Online(it) if it == worker).then_some(()));
}
