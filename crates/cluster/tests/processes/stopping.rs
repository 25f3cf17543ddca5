//! Stopping: what has arrived is served, newcomers are refused, and the report says who died.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use cluster::{Event, Exit, Primary, Report, Signal, json};

use crate::harness::{DEADLINE, Events, Test, in_both, part, test};
use crate::remote::fork_serving;
use crate::scheduling::text_of;

const GRACE: Duration = Duration::from_secs(10);

pub fn tests() -> Vec<Test> {
    let mut tests =
        in_both("clients_that_had_arrived_when_the_stop_began_are_all_served", |mut primary| {
            let ([one, two], at) = fork_serving(&mut primary, "127.0.0.1:0");
            for worker in [one, two] {
                primary.kill(worker, Signal::SIGSTOP).unwrap();
            }
            let clients: Vec<_> = (0..100).map(|_| TcpStream::connect(&at).unwrap()).collect();
            primary.begin_shutdown(GRACE);
            for worker in [one, two] {
                primary.kill(worker, Signal::SIGCONT).unwrap();
            }
            let names = std::thread::spawn(|| clients.into_iter().map(text_of).collect::<Vec<_>>());
            let report = report(&mut primary);
            let names = names.join().unwrap();
            assert!(names.iter().all(|name| name.starts_with("worker")), "{names:?}");
            assert!(report.is_clean(), "{report:?}");
            assert!(TcpStream::connect(&at).is_err());
        })
        .to_vec();
    for (name, policy) in [("round_robin", "rr"), ("shared", "none")] {
        let named = |what: &str| -> &'static str { format!("{what}_under_{name}").leak() };
        tests.push(
            test(named("a_worker_that_drains_knows_that_it_leaves_and_still_accepts"))
                .policy(policy)
                .primary(|mut primary| {
                    let worker = primary.fork().unwrap();
                    let at = primary.hears(worker).as_str().unwrap().to_owned();
                    let mut first = TcpStream::connect(&at).unwrap();
                    assert_eq!(primary.hears(worker), json!("serves one"));
                    let second = TcpStream::connect(&at).unwrap();
                    primary.begin_shutdown(GRACE);
                    assert_eq!(primary.hears(worker), json!("leaving"));
                    first.write_all(b"x").unwrap();
                    drop(first);
                    let name = std::thread::spawn(|| text_of(second));
                    assert!(report(&mut primary).is_clean());
                    assert_eq!(name.join().unwrap(), worker.to_string());
                })
                .worker(|mut me, _| {
                    me.run_in_background().unwrap();
                    let listener = me.listen("127.0.0.1:0").unwrap();
                    me.send(listener.address().to_string()).unwrap();
                    let mut client = listener.accept().unwrap().unwrap();
                    me.send("serves one").unwrap();
                    let begun = Instant::now();
                    while !me.is_leaving() {
                        assert!(begun.elapsed() < DEADLINE);
                        std::thread::yield_now();
                    }
                    me.send("leaving").unwrap();
                    let _ = client.read(&mut [0]);
                    let mut client = listener.accept().unwrap().expect("the one that had arrived");
                    write!(client, "{}", me.id()).unwrap();
                    drop(client);
                    assert!(listener.accept().unwrap().is_none());
                }),
        );
    }
    tests.push(
        test("who_dies_while_the_service_stops_is_named_and_the_report_is_not_clean")
            .primary(|mut primary| {
                let panics = primary.fork_with(part("panics")).unwrap();
                let killed = primary.fork_with(part("stays")).unwrap();
                let good = primary.fork_with(part("leaves")).unwrap();
                primary.waits_until_online(3);
                primary.begin_shutdown(GRACE);
                primary.kill(killed, Signal::SIGKILL).unwrap();
                let mut report = report(&mut primary);
                report.died.sort_by_key(|(worker, _)| worker.get());
                let died = vec![(panics, Exit::Code(101)), (killed, Exit::Signal(Signal::SIGKILL))];
                assert_eq!(report, Report { by_itself: vec![good], died, ..Report::default() });
                assert!(!report.is_clean());
            })
            .worker(|mut me, part| {
                while me.recv().unwrap().is_some() {}
                match part {
                    "panics" => panic!("on purpose"),
                    "stays" => loop {
                        std::thread::park()
                    },
                    _ => {}
                }
            }),
    );
    tests.push(
        test("a_client_that_no_worker_ever_takes_does_not_hold_up_the_end_beyond_the_grace")
            .policy("rr")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let at = primary.hears(worker).as_str().unwrap().to_owned();
                let mut client = TcpStream::connect(&at).unwrap();
                let begun = Instant::now();
                primary.begin_shutdown(Duration::from_millis(300));
                let report = report(&mut primary);
                assert!(begun.elapsed() >= Duration::from_millis(300), "it might have been taken");
                assert!(begun.elapsed() < DEADLINE / 2);
                assert_eq!(report.by_itself.len() + report.by_sigterm.len(), 1, "{report:?}");
                assert!(!matches!(client.read(&mut [0]), Ok(1..)));
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                me.send(listener.address().to_string()).unwrap();
                while me.recv().unwrap().is_some() {}
            }),
    );
    tests.push(
        test("a_worker_that_boots_while_the_service_stops_leaves_whatever_its_code")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.begin_shutdown(GRACE);
                let report = report(&mut primary);
                assert_eq!(report, Report { by_itself: vec![worker], ..Report::default() });
            })
            .worker(|mut me, _| {
                // As a program with `?` behind it.
                if me.listen("127.0.0.1:0").is_err() {
                    std::process::exit(1);
                }
            }),
    );
    tests.push(test("a_worker_that_died_before_the_stop_is_none_of_its_business").primary(
        |mut primary| {
            let dead = primary.fork().unwrap();
            let good = primary.fork().unwrap();
            primary.waits_until_online(2);
            let pid = nix::unistd::Pid::from_raw(primary.pid(dead).unwrap().cast_signed());
            primary.kill(dead, Signal::SIGKILL).unwrap();
            let zombie =
                nix::sys::wait::WaitPidFlag::WEXITED | nix::sys::wait::WaitPidFlag::WNOWAIT;
            nix::sys::wait::waitid(nix::sys::wait::Id::Pid(pid), zombie).unwrap();
            primary.begin_shutdown(GRACE);
            assert_eq!(report(&mut primary), Report { by_itself: vec![good], ..Report::default() });
        },
    ));
    tests
}

fn report(primary: &mut Primary) -> Report {
    primary.until(|event| match event {
        Event::Stopped(report) => Some(report),
        _ => None,
    })
}
