//! Signals that workers leave to their primary, and their end when it is gone.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use cluster::{Event, Exit, Signal, Worker, json};

use crate::harness::{DEADLINE, Events, Test, exit_of, send_signal, test};

pub fn tests() -> Vec<Test> {
    let stopped = |name: &'static str, policy| {
        test(name)
            .policy(policy)
            .primary(|mut primary| {
                // As under systemd. Otherwise the kernel itself wakes stopped processes, with
                // SIGHUP, when the group is orphaned.
                nix::unistd::setsid().unwrap();
                let workers = [primary.fork().unwrap(), primary.fork().unwrap()];
                let [at, _] = primary.hears_each(workers);
                println!("{}", at.as_str().unwrap());
                println!("{}", std::process::id());
                for worker in workers {
                    primary.kill(worker, Signal::SIGSTOP).unwrap();
                    let pid = primary.pid(worker).unwrap();
                    becomes(pid, 'T');
                    println!("{pid}");
                }
                primary.rest();
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                me.send(listener.address().to_string()).unwrap();
                while listener.accept().unwrap().is_some() {}
            })
            .outside(|test| {
                // Not the leader of its group, or it could not have a session of its own.
                let mut program = test.start_by_shell("\"$0\" & wait");
                let at = program.line();
                let pids = [(); 3].map(|()| program.line().parse().unwrap());
                send_signal(pids[0], Signal::SIGKILL);
                let _left = Left(pids);
                program.and_all_it_started_are_gone_within(Duration::from_secs(2));
                TcpListener::bind(at).expect("the port is free");
            })
    };
    vec![
        stopped("stopped_workers_end_with_their_primary_under_round_robin", "rr"),
        stopped("stopped_workers_end_with_their_primary_and_free_the_port_under_shared", "none"),
        test("sigterm_to_the_whole_group_does_not_take_the_workers_of_a_primary_that_asked")
            .primary(|mut primary| {
                primary.signals(&[Signal::SIGTERM]).unwrap();
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
            .worker(echoes)
            .outside(|test| {
                let mut program = test.start();
                for _ in 0..3 {
                    program.says("ready");
                    program.and_its_group_are_sent(Signal::SIGTERM);
                }
                program.succeeds();
            }),
        test(
            "sigterm_from_a_stranger_is_left_to_the_primary_and_from_the_primary_it_ends_a_worker",
        )
        .primary(|mut primary| {
            let worker = primary.fork().unwrap();
            primary.waits_until_online(1);
            println!("{}", primary.pid(worker).unwrap());
            std::io::stdin().read_line(&mut String::new()).unwrap();
            primary.send(worker, "still there?").unwrap();
            assert_eq!(primary.hears(worker), json!("still there?"));
            primary.kill(worker, Signal::SIGTERM).unwrap();
            assert_eq!(exit_of(&mut primary), (Exit::Signal(Signal::SIGTERM), false));
            // By its number, as Node's process.kill(), and by another thread of the primary.
            let worker = primary.fork().unwrap();
            primary.waits_until_online(1);
            let pid = primary.pid(worker).unwrap().cast_signed();
            std::thread::spawn(move || send_signal(pid, Signal::SIGTERM)).join().unwrap();
            assert_eq!(exit_of(&mut primary), (Exit::Signal(Signal::SIGTERM), false));
        })
        .worker(echoes)
        .outside(|test| {
            let mut program = test.start();
            let worker = program.line().parse().unwrap();
            send_signal(worker, Signal::SIGTERM);
            program.is_told("go on");
            program.succeeds();
        }),
        test("sigterm_to_the_group_between_fork_and_role_does_not_take_a_worker").primary(
            |mut primary| {
                primary.signals(&[Signal::SIGTERM]).unwrap();
                for _ in 0..20 {
                    let worker = primary.fork().unwrap();
                    // Sooner than any worker can have taken its role; and from outside, as it is
                    // not from the primary.
                    let group = nix::unistd::getpgrp();
                    let script = format!("kill -TERM -{group}");
                    let _ = Command::new("/bin/sh").args(["-c", &script]).status().unwrap();
                    primary.disconnect(worker);
                }
                let told = primary.rest();
                let ends = told.iter().filter(|event| event.ends_with("exits 0, voluntary"));
                assert_eq!(ends.count(), 20, "{told:?}");
            },
        ),
        test("a_worker_can_end_itself_by_sigterm")
            .primary(|mut primary| {
                primary.fork().unwrap();
                assert_eq!(exit_of(&mut primary), (Exit::Signal(Signal::SIGTERM), false));
            })
            .worker(|_me, _| {
                nix::sys::signal::raise(Signal::SIGTERM).unwrap();
                std::thread::sleep(DEADLINE);
            }),
        test("a_program_that_a_worker_starts_can_be_ended_by_sigterm")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!(Signal::SIGTERM as i32));
                assert_eq!(primary.hears(worker), json!([0, 0]));
            })
            .worker(|me, _| {
                let status = Command::new("/bin/sh").args(["-c", "kill -TERM $$; exit 7"]).status();
                me.send(status.unwrap().signal()).unwrap();
                let cat = Command::new("cat").arg("/proc/self/status").output().unwrap().stdout;
                let text = String::from_utf8(cat).unwrap();
                let terminate =
                    1 << (Signal::SIGTERM as u64 - 1) | 1 << (Signal::SIGINT as u64 - 1);
                me.send(["SigBlk:", "SigIgn:"].map(|name| mask(&text, name) & terminate)).unwrap();
            }),
        test("a_handler_of_the_program_takes_the_place_of_leaving_sigterm_to_the_primary")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!("ready"));
                println!("{}", primary.pid(worker).unwrap());
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
            })
            .outside(|test| {
                let mut program = test.start();
                let worker = program.line().parse().unwrap();
                send_signal(worker, Signal::SIGTERM);
                program.succeeds();
            }),
        test("a_worker_whose_primary_does_not_answer_can_end_itself")
            .primary(|_| {
                let raw = crate::raw_primary::RawPrimary::forks("", None);
                raw.ends_well(); // nothing is read, and nothing answered
            })
            .worker(|me, _| me.kill()),
        test("a_worker_behind_a_shell_is_one_as_any_other").primary(|mut primary| {
            // The shell is its parent, and stays.
            let this = std::env::current_exe().unwrap();
            let settings = cluster::Settings::new().exec("/bin/sh").args([
                "-c".into(),
                "\"$0\"; exit $?".into(),
                this.into_os_string(),
            ]);
            let worker = primary.fork_with(settings).unwrap();
            primary.waits_until_online(1);
            primary.disconnect(worker);
            assert_eq!(exit_of(&mut primary), (Exit::Code(0), true));
        }),
    ]
}

/// Processes that nobody else would end, if a test fails.
struct Left([i32; 3]);

impl Drop for Left {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.into_iter().for_each(|pid| send_signal(pid, Signal::SIGKILL));
        }
    }
}

fn echoes(mut me: Worker, _: &str) {
    while let Some(message) = me.recv().unwrap() {
        me.send(message.parse::<String>().unwrap()).unwrap();
    }
}

/// Waits until the process is in this state: the third word of /proc/PID/stat.
fn becomes(pid: u32, state: char) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let mut stat = String::new();
        let mut file = std::fs::File::open(format!("/proc/{pid}/stat")).unwrap();
        file.read_to_string(&mut stat).unwrap();
        let (_, after) = stat.rsplit_once(") ").unwrap();
        if after.starts_with(state) {
            return;
        }
        assert!(Instant::now() < deadline, "{stat}");
        std::thread::yield_now();
    }
}

/// One of the masks in a text as of /proc/PID/status.
fn mask(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap()
}
