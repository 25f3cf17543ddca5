//! Signals to the primary, and to its whole group as a terminal sends them.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use cluster::{Event, Exit, Primary, Signal, json};

use crate::harness::{Events, Program, Test, exit_of, test};

const SOON: Duration = Duration::from_secs(5);

pub fn tests() -> Vec<Test> {
    vec![
        test("a_primary_that_asked_is_told_its_signals_and_asking_again_adds_to_them")
            .primary(|mut primary| {
                primary.signals(&[Signal::SIGTERM]).unwrap();
                primary.signals(&[Signal::SIGINT]).unwrap();
                primary.fork().unwrap();
                primary.waits_until_online(1);
                for expected in [Signal::SIGTERM, Signal::SIGINT] {
                    println!("ready");
                    let told = primary.until(|event| match event {
                        Event::Signal(signal) => Some(signal),
                        _ => None,
                    });
                    assert_eq!(told, expected);
                }
            })
            .outside(|test| {
                let mut program = test.start();
                for signal in [Signal::SIGTERM, Signal::SIGINT] {
                    program.says("ready");
                    program.is_sent(signal);
                }
                program.succeeds();
            }),
        test("ctrl_c_does_not_take_the_workers_of_a_primary_that_asked")
            .primary(|mut primary| {
                primary.signals(&[Signal::SIGINT]).unwrap();
                let workers = [primary.fork().unwrap(), primary.fork().unwrap()];
                primary.waits_until_online(2);
                println!("ready");
                for _ in 0..3 {
                    primary.until(|event| matches!(event, Event::Signal(_)).then_some(()));
                    for worker in workers {
                        primary.send(worker, "still there?").unwrap();
                        assert_eq!(primary.hears(worker), json!("still there?"));
                    }
                    println!("ready");
                }
                primary.disconnect_all();
                assert_eq!(exit_of(&mut primary), (Exit::Code(0), true));
                assert_eq!(exit_of(&mut primary), (Exit::Code(0), true));
            })
            .worker(|mut me, _| {
                while let Some(message) = me.recv().unwrap() {
                    me.send(message.value().unwrap()).unwrap();
                }
            })
            .outside(|test| {
                let mut program = test.start();
                for _ in 0..3 {
                    program.says("ready");
                    program.and_its_group_are_sent(Signal::SIGINT);
                }
                program.succeeds();
            }),
        test("ctrl_c_between_fork_and_role_does_not_take_a_worker").primary(|mut primary| {
            primary.signals(&[Signal::SIGINT]).unwrap();
            for _ in 0..20 {
                let worker = primary.fork().unwrap();
                // Sooner than any worker can have taken its role.
                cluster_group(Signal::SIGINT);
                primary.disconnect(worker);
            }
            let told = primary.rest();
            let ends = told.iter().filter(|event| event.ends_with("exits 0, voluntary"));
            assert_eq!(ends.count(), 20, "{told:?}");
        }),
        test("a_primary_that_did_not_ask_dies_of_ctrl_c_and_its_workers_follow")
            .primary(until_the_end)
            .worker(|_me, _| {
                loop {
                    std::thread::park();
                }
            })
            .outside(|test| {
                let mut program = test.start();
                program.says("ready");
                program.and_its_group_are_sent(Signal::SIGINT);
                assert_eq!(program.ends().signal(), Some(Signal::SIGINT as i32));
                program.and_all_it_started_are_gone_within(SOON);
            }),
        test("a_primary_can_die_of_the_signal_that_it_was_told")
            .primary(|mut primary| {
                primary.signals(&[Signal::SIGINT, Signal::SIGTERM]).unwrap();
                primary.fork().unwrap();
                primary.waits_until_online(1);
                println!("ready");
                let signal = primary.until(|event| match event {
                    Event::Signal(signal) => Some(signal),
                    _ => None,
                });
                primary.begin_shutdown(Duration::from_secs(600));
                primary.rest();
                cluster::die_of(signal);
            })
            .outside(|test| {
                for signal in [Signal::SIGINT, Signal::SIGTERM] {
                    let mut program = test.start();
                    program.says("ready");
                    program.is_sent(signal);
                    assert_eq!(program.ends().signal(), Some(signal as i32));
                }
            }),
        test("workers_start_with_no_signal_blocked_or_ignored_by_their_primary")
            .primary(|mut primary| {
                primary.signals(&[Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGCHLD]).unwrap();
                for directory in [false, true] {
                    // With a working directory, another way of starting it is used.
                    let settings = cluster::Settings::new();
                    let settings = if directory { settings.cwd("/") } else { settings };
                    let worker = primary.fork_with(settings).unwrap();
                    let told = primary.hears(worker);
                    assert_eq!(told, json!([0, 0]), "{directory}");
                    primary.disconnect(worker);
                    exit_of(&mut primary);
                }
            })
            .worker(|mut me, _| {
                let mask = |name: &str| {
                    let status = std::fs::read_to_string("/proc/self/status").unwrap();
                    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
                    u64::from_str_radix(line.trim(), 16).unwrap()
                };
                // Rust itself ignores SIGPIPE; what is beyond 31 belongs to the C library.
                let pipe = 1 << (Signal::SIGPIPE as i32 - 1);
                let ours = (1 << 31) - 1;
                me.send([mask("SigBlk:") & ours, mask("SigIgn:") & ours & !pipe]).unwrap();
                assert!(me.recv().unwrap().is_none());
            })
            .outside(|test| {
                test.start_by_shell("trap '' USR2 HUP; exec \"$0\"").succeeds();
            }),
        test("a_worker_can_block_a_signal_and_take_it_when_it_likes")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!("ready"));
                primary.kill(worker, Signal::SIGTERM).unwrap();
                assert_eq!(primary.hears(worker), json!("SIGTERM"));
                primary.disconnect(worker);
                assert_eq!(exit_of(&mut primary), (Exit::Code(0), true));
            })
            .worker(|mut me, _| {
                let set: nix::sys::signal::SigSet = [Signal::SIGTERM].into_iter().collect();
                set.thread_block().unwrap();
                me.send("ready").unwrap();
                me.send(set.wait().unwrap().as_str()).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("a_program_that_a_worker_starts_can_be_ended_by_ctrl_c")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!(Signal::SIGINT as i32));
            })
            .worker(|me, _| {
                let status = Command::new("/bin/sh").args(["-c", "kill -INT $$; exit 7"]).status();
                me.send(status.unwrap().signal()).unwrap();
            }),
        test("exit_codes_are_told_although_whoever_started_the_primary_ignored_sigchld")
            .primary(|mut primary| {
                primary.fork().unwrap();
                assert_eq!(exit_of(&mut primary), (Exit::Code(7), false));
            })
            .worker(|_me, _| std::process::exit(7))
            .outside(|test| test.start_by_shell("trap '' CHLD; exec \"$0\"").succeeds()),
        test("the_primary_reaps_its_workers_and_no_other_child").primary(|mut primary| {
            let mut other = Command::new("/bin/sh").args(["-c", "exit 3"]).spawn().unwrap();
            primary.signals(&[Signal::SIGCHLD]).unwrap();
            let worker = primary.fork().unwrap();
            primary.waits_until_online(1);
            let mut late = Command::new("/bin/sh").args(["-c", "exit 4"]).spawn().unwrap();
            primary.until(|event| matches!(event, Event::Signal(_)).then_some(()));
            primary.disconnect(worker);
            exit_of(&mut primary);
            assert_eq!(other.wait().unwrap().code(), Some(3));
            assert_eq!(late.wait().unwrap().code(), Some(4));
        }),
        test("without_stdin_stdout_and_stderr_a_primary_forks_as_ever")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!("hello"));
                let silent = primary.fork_with(cluster::Settings::new().silent()).unwrap();
                assert_eq!(primary.hears(silent), json!("hello"));
            })
            .worker(|mut me, _| {
                me.send("hello").unwrap();
                assert!(me.recv().unwrap().is_none());
            })
            .outside(|test| test.start_by_shell("exec \"$0\" <&- >&- 2>&-").succeeds()),
        test("a_primary_whose_program_file_is_gone_forks_the_program_that_it_runs")
            .primary(|mut primary| {
                println!("ready");
                std::io::stdin().read_line(&mut String::new()).unwrap();
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                primary.disconnect(worker);
                assert_eq!(exit_of(&mut primary), (Exit::Code(0), true));
            })
            .outside(|test| {
                let copy =
                    std::env::temp_dir().join(format!("cluster-copy-{}", std::process::id()));
                std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
                let mut program = Program::start(test, Command::new(&copy));
                program.says("ready");
                std::fs::remove_file(&copy).unwrap();
                program.is_told("go on");
                program.succeeds();
            }),
    ]
}

fn until_the_end(mut primary: Primary) {
    for _ in 0..3 {
        primary.fork().unwrap();
    }
    primary.waits_until_online(3);
    println!("ready");
    primary.rest();
}

fn cluster_group(signal: Signal) {
    crate::harness::send_signal(0, signal);
}
