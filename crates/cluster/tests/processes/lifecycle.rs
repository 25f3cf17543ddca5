//! From fork to exit: roles, numbers, states, and the order of events.

use std::process::{Command, exit};
use std::time::{Duration, Instant};

use cluster::{Error, Event, Exit, Settings, Signal, State, json};

use crate::harness::{Events, Test, exit_of, in_short, part, test};

/// What makes a process a worker.
const ROLE: [&str; 3] = ["NODE_UNIQUE_ID", "NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE"];

pub fn tests() -> Vec<Test> {
    vec![
        test("a_second_role_is_refused_in_the_primary_and_in_the_worker")
            .primary(|mut primary| {
                assert!(matches!(cluster::role(), Err(Error::RoleTaken)));
                assert!(cluster::is_primary() && !cluster::is_worker());
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!("this process has its role already"));
            })
            .worker(|me, _| {
                assert!(cluster::is_worker() && !cluster::is_primary());
                me.send(cluster::role().unwrap_err().to_string()).unwrap();
            }),
        test("a_role_is_refused_while_another_thread_runs_and_given_when_it_is_gone")
            .primary(|mut primary| {
                let program = std::env::current_exe().unwrap();
                let as_a_primary = || {
                    let mut command = Command::new(&program);
                    command.env("CLUSTER_PLAIN", "1").status().unwrap()
                };
                assert!(as_a_primary().success());
                let settings = Settings::new().exec(program.clone()).env("CLUSTER_PLAIN", "1");
                primary.fork_with(settings).unwrap();
                assert_eq!(exit_of(&mut primary).0, Exit::Code(0));
            })
            .plain(|_| {
                let (end, ended) = std::sync::mpsc::channel::<()>();
                let thread = std::thread::spawn(move || ended.recv());
                let refusal = cluster::role().unwrap_err();
                assert!(matches!(refusal, Error::ThreadsRunning(2)), "{refusal}");
                drop(end);
                let _ = thread.join().unwrap();
                // A joined thread may be listed for a moment longer.
                while std::fs::read_dir("/proc/self/task").unwrap().count() > 1 {}
                cluster::role().unwrap();
            }),
        test("a_worker_has_no_node_variables_and_neither_have_its_children")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!(""));
                assert_eq!(primary.hears(worker), json!(""));
            })
            .worker(|me, _| {
                let mine = std::env::vars().filter(|(name, _)| ROLE.contains(&name.as_str()));
                me.send(mine.map(|(name, _)| name).collect::<String>()).unwrap();
                let child = Command::new("/bin/sh")
                    .args(["-c", "env | grep -E '^NODE_(CHANNEL|UNIQUE_ID)'"])
                    .output();
                me.send(String::from_utf8(child.unwrap().stdout).unwrap()).unwrap();
            }),
        test("a_program_that_a_worker_starts_may_be_a_primary_itself")
            .primary(|mut primary| {
                let inner = std::env::var_os("T_INNER").is_some();
                let worker =
                    primary.fork_with(part(if inner { "inner" } else { "outer" })).unwrap();
                assert_eq!((worker.get(), primary.hears(worker)), (1, json!("done")));
                primary.disconnect(worker);
                assert_eq!(exit_of(&mut primary).0, Exit::Code(0));
            })
            .worker(|mut me, part| {
                if part == "outer" {
                    let mut this = Command::new(std::env::current_exe().unwrap());
                    assert!(this.env("T_INNER", "1").status().unwrap().success());
                }
                me.send("done").unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("numbers_begin_at_1_and_are_never_used_again").primary(|mut primary| {
            for number in 1..=3 {
                let worker = primary.fork().unwrap();
                assert_eq!(worker.get(), number);
                primary.disconnect(worker);
                exit_of(&mut primary);
                assert_eq!(primary.workers().count(), 0);
            }
            let missing = Settings::new().exec("/no/such/program");
            primary.fork_with(missing).unwrap_err();
            assert_eq!(primary.fork().unwrap().get(), 5);
        }),
        test("a_worker_knows_its_number")
            .primary(|mut primary| {
                for _ in 0..3 {
                    let worker = primary.fork().unwrap();
                    assert_eq!(primary.hears(worker), json!(worker.get()));
                }
            })
            .worker(|me, _| me.send(me.id().get()).unwrap()),
        test("events_come_in_order_each_once")
            .primary(|mut primary| {
                let settings = Settings::new().args(["--an-argument"]);
                primary.setup(settings.clone());
                let worker = primary.fork().unwrap();
                let mut events = Vec::new();
                while let Some(event) = primary.next_event().unwrap() {
                    if let Event::Setup(told) = &event {
                        assert_eq!(**told, settings);
                        events.push("setup".into());
                    }
                    events.extend(in_short(&event));
                    if let Event::Message(worker, _) = event {
                        primary.disconnect(worker);
                    }
                }
                assert_eq!(
                    events,
                    [
                        "setup", // ours
                        "setup", // the fork's
                        "worker 1 forked",
                        "worker 1 online",
                        "worker 1 says \"hello\"",
                        "worker 1 disconnected",
                        "worker 1 exits 0, voluntary",
                    ]
                );
                assert_eq!(primary.state(worker), State::Dead);
                assert!(primary.next_event().unwrap().is_none());
            })
            .worker(|mut me, _| {
                me.send("hello").unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("the_state_is_that_of_the_events_told").primary(|mut primary| {
            let worker = primary.fork().unwrap();
            assert_eq!(primary.state(worker), State::None);
            assert!(primary.is_connected(worker) && !primary.is_dead(worker));
            assert!(primary.pid(worker).is_some());
            primary.waits_until_online(1);
            assert_eq!(primary.state(worker), State::Online);
            assert_eq!(primary.exited_after_disconnect(worker), None);
            primary.disconnect(worker);
            assert_eq!(primary.exited_after_disconnect(worker), Some(true));
            primary.until(|event| matches!(event, Event::Disconnect(_)).then_some(()));
            assert_eq!(primary.state(worker), State::Disconnected);
            assert!(!primary.is_connected(worker));
            assert_eq!(primary.workers().collect::<Vec<_>>(), [worker]);
            exit_of(&mut primary);
            assert_eq!(primary.state(worker), State::Dead);
            assert!(primary.is_dead(worker));
            assert_eq!((primary.pid(worker), primary.workers().count()), (None, 0));
        }),
        test("disconnect_is_told_once_and_before_exit_however_a_worker_ends")
            .primary(|mut primary| {
                for (how, ending) in [
                    ("return", "exits 0, unasked"),
                    ("exit 0", "exits 0, unasked"),
                    ("exit 5", "exits 5, unasked"),
                    ("panic", "exits 101, unasked"),
                    ("abort", "killed by SIGABRT, unasked"),
                    ("disconnect", "exits 0, voluntary"),
                    ("disconnect and exit 5", "exits 5, voluntary"),
                    ("kill", "exits 0, voluntary"),
                ] {
                    let worker = primary.fork_with(part(how)).unwrap();
                    let expected = [
                        format!("{worker} forked"),
                        format!("{worker} online"),
                        format!("{worker} disconnected"),
                        format!("{worker} {ending}"),
                    ];
                    assert_eq!(primary.rest(), expected, "{how}");
                }
            })
            .worker(|mut me, how| match how {
                "return" => {}
                "exit 0" => exit(0),
                "exit 5" => exit(5),
                "panic" => panic!("on purpose"),
                "abort" => std::process::abort(),
                "disconnect" => me.disconnect().unwrap(),
                "disconnect and exit 5" => {
                    me.disconnect().unwrap();
                    assert!(!me.is_connected());
                    me.disconnect().unwrap(); // again: changes nothing
                    exit(5)
                }
                "kill" => me.kill(),
                other => panic!("{other}"),
            }),
        test("what_the_primary_does_to_a_worker_is_told_the_same_way").primary(|mut primary| {
            for (how, ending) in [
                (None, "exits 0, voluntary"),
                (Some(Signal::SIGTERM), "killed by SIGTERM, unasked"),
                (Some(Signal::SIGKILL), "killed by SIGKILL, unasked"),
                (Some(Signal::SIGUSR1), "killed by SIGUSR1, unasked"),
            ] {
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                match how {
                    None => primary.disconnect(worker),
                    Some(signal) => primary.kill(worker, signal).unwrap(),
                }
                let expected = [format!("{worker} disconnected"), format!("{worker} {ending}")];
                assert_eq!(primary.rest(), expected, "{how:?}");
            }
        }),
        test("disconnecting_again_changes_nothing").primary(|mut primary| {
            let worker = primary.fork().unwrap();
            primary.waits_until_online(1);
            primary.disconnect(worker);
            primary.disconnect(worker);
            primary.disconnect_all();
            primary.until(|event| matches!(event, Event::Disconnect(_)).then_some(()));
            primary.disconnect(worker);
            assert_eq!(exit_of(&mut primary), (Exit::Code(0), true));
            primary.disconnect(worker);
            primary.disconnect_all();
            assert!(primary.next_event().unwrap().is_none());
        }),
        test("a_signal_to_a_dead_worker_is_no_error").primary(|mut primary| {
            let worker = primary.fork().unwrap();
            primary.waits_until_online(1);
            for _ in 0..3 {
                primary.kill(worker, Signal::SIGKILL).unwrap();
            }
            assert_eq!(exit_of(&mut primary).0, Exit::Signal(Signal::SIGKILL));
            primary.kill(worker, Signal::SIGKILL).unwrap();
        }),
        test("a_worker_may_go_on_after_its_disconnect_and_end_with_a_code_of_its_own")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                primary.disconnect(worker);
                assert_eq!(exit_of(&mut primary), (Exit::Code(42), true));
            })
            .worker(|mut me, _| {
                assert!(me.recv().unwrap().is_none());
                // Longer than a worker without a primary may live.
                let end = Instant::now() + Duration::from_millis(800);
                while Instant::now() < end {}
                exit(42)
            }),
    ]
}
