//! The end: of a worker's primary, and of a whole cluster in an orderly way.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use cluster::{Address, Error, Event, Primary, Report, SchedulingPolicy, Signal, Worker, WorkerId};

use crate::harness::{Events, Test, part, test};

/// Workers whose primary is gone have half a second to end by themselves; the rest is for a busy
/// machine.
const SOON: Duration = Duration::from_secs(5);

/// Far longer than a test may take.
const LONG: Duration = Duration::from_secs(600);

pub fn tests() -> Vec<Test> {
    vec![
        test("no_worker_survives_the_kill_of_its_primary_whatever_it_does")
            .primary(|mut primary| {
                for how in ["waits", "spins", "sleeps", "ignores signals", "has left"] {
                    primary.fork_with(part(how)).unwrap();
                }
                let mut ready = 0; // five messages and a disconnect
                primary.until(|event| {
                    ready += i32::from(matches!(event, Event::Message(..) | Event::Disconnect(_)));
                    (ready == 6).then_some(())
                });
                println!("ready");
                while let Some(event) = primary.next_event().unwrap() {
                    println!("{event:?}");
                }
            })
            .worker(|mut me, how| {
                if how == "ignores signals" {
                    block(Signal::SIGTERM);
                }
                me.send("ready").unwrap();
                match how {
                    "waits" => while me.recv().unwrap().is_some() {},
                    "spins" => loop {
                        std::hint::spin_loop();
                    },
                    "has left" => me.disconnect().unwrap(),
                    _ => {}
                }
                std::thread::sleep(LONG);
            })
            .outside(|test| {
                let mut program = test.start();
                program.says("ready");
                let killed = Instant::now();
                program.is_sent(Signal::SIGKILL);
                program.and_all_it_started_are_gone_within(SOON);
                assert!(killed.elapsed() >= Duration::from_millis(100), "they have some time");
            }),
        test("workers_end_when_the_primary_returns_panics_or_exits")
            .primary(|mut primary| {
                primary.fork().unwrap();
                primary.waits_until_online(1);
                match std::env::args().nth(1).as_deref() {
                    Some("panics") => panic!("on purpose"),
                    Some("exits") => std::process::exit(0),
                    _ => {}
                }
            })
            .outside(|test| {
                for how in ["returns", "panics", "exits"] {
                    let mut program = test.start_by_shell(&format!("exec \"$0\" {how}"));
                    program.and_all_it_started_are_gone_within(SOON);
                    assert_eq!(program.ends().success(), how != "panics");
                }
            }),
        test("a_worker_whose_primary_is_gone_reads_none_and_ends_with_its_own_code")
            .primary(|mut primary| {
                primary.fork().unwrap();
                primary.waits_until_online(1);
                println!("ready");
                drop(primary); // this process lives on, and the worker may speak
                std::io::stdin().read_line(&mut String::new()).unwrap();
            })
            .worker(|mut me, _| {
                assert!(me.recv().unwrap().is_none());
                assert!(matches!(me.send(1), Err(Error::PrimaryGone)));
                println!("says farewell");
            })
            .outside(|test| {
                let mut program = test.start();
                program.says("ready");
                program.says("says farewell");
                program.is_told("end");
                program.succeeds();
            }),
        test("a_program_that_a_worker_leaves_behind_does_not_hold_up_the_news_of_its_end")
            .primary(|mut primary| {
                primary.setup(cluster::Settings::new().silent());
                let worker = primary.fork().unwrap();
                let pid = primary.hears(worker).as_i64().unwrap();
                let end = ["worker 1 disconnected", "worker 1 exits 0, unasked"];
                assert_eq!(primary.rest(), end);
                crate::harness::send_signal(pid.try_into().unwrap(), Signal::SIGKILL);
            })
            .worker(|me, _| {
                // It holds the worker's stdout and stderr open.
                #[allow(clippy::zombie_processes)] // it outlives this process
                let left = std::process::Command::new("/bin/sleep").arg("600").spawn().unwrap();
                me.send(left.id()).unwrap();
            }),
        test("a_shutdown_without_workers_is_over_at_once").primary(|mut primary| {
            primary.begin_shutdown(LONG);
            assert_eq!(stopped(&mut primary), Report::default());
        }),
        test("a_shutdown_tells_who_left_by_itself_who_needed_sigterm_and_who_sigkill")
            .primary(|mut primary| {
                for how in ["willing", "busy", "stubborn", "willing"] {
                    primary.fork_with(part(how)).unwrap();
                }
                ready(&mut primary, 4);
                primary.begin_shutdown(Duration::from_millis(150));
                let report = stopped(&mut primary);
                assert_eq!(numbers(&report.by_itself), [1, 4]);
                assert_eq!(numbers(&report.by_sigterm), [2]);
                assert_eq!(numbers(&report.by_sigkill), [3]);
                assert!(!report.is_clean());
            })
            .worker(differently_willing),
        test("a_shutdown_that_all_follow_is_clean_and_does_not_wait_for_the_grace")
            .primary(|mut primary| {
                for _ in 0..3 {
                    primary.fork_with(part("willing")).unwrap();
                }
                ready(&mut primary, 3);
                let begin = Instant::now();
                primary.begin_shutdown(LONG);
                assert!(stopped(&mut primary).is_clean());
                assert!(begin.elapsed() < LONG / 2);
            })
            .worker(differently_willing),
        test("a_shutdown_refuses_who_comes_later_however_busy_the_workers_are")
            .primary(|mut primary| {
                primary.set_scheduling_policy(SchedulingPolicy::RoundRobin).unwrap();
                primary.fork().unwrap();
                let address = primary.until(|event| match event {
                    Event::Listening(_, Address::Tcp(address)) => Some(address),
                    _ => None,
                });
                let taken = TcpStream::connect(address).unwrap();
                ready(&mut primary, 1);
                primary.begin_shutdown(LONG);
                let later = TcpStream::connect(address).unwrap_err();
                assert_eq!(later.kind(), ErrorKind::ConnectionRefused);
                let mut answer = String::new();
                (&taken).write_all(b".").unwrap(); // it has worked enough
                (&taken).read_to_string(&mut answer).unwrap();
                assert_eq!(answer, "served");
                assert!(stopped(&mut primary).is_clean());
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                let mut connection = listener.accept().unwrap().unwrap();
                me.send("busy").unwrap();
                connection.read_exact(&mut [0]).unwrap();
                connection.write_all(b"served").unwrap();
            }),
        test("a_shutdown_starts_no_worker_any_more").primary(|mut primary| {
            let worker = primary.fork().unwrap();
            primary.begin_shutdown(LONG);
            assert!(matches!(primary.fork(), Err(Error::ShuttingDown)));
            assert_eq!(stopped(&mut primary).by_itself, [worker]);
            assert!(matches!(primary.fork(), Err(Error::ShuttingDown)));
        }),
        test("a_second_shutdown_hurries_the_first")
            .primary(|mut primary| {
                primary.fork_with(part("stubborn")).unwrap();
                ready(&mut primary, 1);
                primary.begin_shutdown(LONG);
                primary.begin_shutdown(2 * LONG); // never slows it
                primary.begin_shutdown(Duration::ZERO);
                assert_eq!(numbers(&stopped(&mut primary).by_sigkill), [1]);
            })
            .worker(differently_willing),
        test("a_worker_that_died_before_the_shutdown_is_not_in_its_report").primary(
            |mut primary| {
                let [dead, alive] = [primary.fork().unwrap(), primary.fork().unwrap()];
                primary.kill(dead, Signal::SIGKILL).unwrap();
                primary.until(|event| matches!(event, Event::Exit { .. }).then_some(()));
                primary.begin_shutdown(LONG);
                assert_eq!(
                    stopped(&mut primary),
                    Report { by_itself: vec![alive], ..Report::default() }
                );
            },
        ),
        test("a_shutdown_in_the_middle_of_forking_ends_also_who_is_not_online_yet").primary(
            |mut primary| {
                for _ in 0..5 {
                    primary.fork().unwrap();
                }
                primary.begin_shutdown(LONG);
                assert_eq!(numbers(&stopped(&mut primary).by_itself).len(), 5);
            },
        ),
    ]
}

fn ready(primary: &mut Primary, count: usize) {
    for _ in 0..count {
        primary.until(|event| matches!(event, Event::Message(..)).then_some(()));
    }
}

/// The report, which has to be the last event.
fn stopped(primary: &mut Primary) -> Report {
    let report = primary.until(|event| match event {
        Event::Stopped(report) => Some(report),
        _ => None,
    });
    assert!(primary.next_event().unwrap().is_none());
    assert_eq!(primary.workers().count(), 0);
    report
}

fn numbers(workers: &[WorkerId]) -> Vec<u32> {
    let mut numbers: Vec<_> = workers.iter().map(|worker| worker.get()).collect();
    numbers.sort_unstable();
    numbers
}

fn differently_willing(mut me: Worker, how: &str) {
    if how == "stubborn" {
        block(Signal::SIGTERM);
    }
    me.send("ready").unwrap();
    if how == "willing" {
        assert!(me.recv().unwrap().is_none());
    } else {
        std::thread::sleep(LONG);
    }
}

fn block(signal: Signal) {
    let mut set = nix::sys::signal::SigSet::empty();
    set.add(signal);
    set.thread_block().unwrap();
}
