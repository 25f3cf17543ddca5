//! A primary that is process 1, as in a container: the kernel knows no default actions there.

use std::process::Command;
use std::time::{Duration, Instant};

use cluster::{Event, Primary, Signal};

use crate::harness::{DEADLINE, Events, Program, Test, send_signal, test};

const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

pub fn tests() -> Vec<Test> {
    let tests = [
        test("as_process_1_a_primary_ends_by_the_signals_that_end_others_and_so_do_its_workers")
            .primary(waits)
            .outside(|test| {
                for signal in ENDING {
                    let mut program = first_process(test, "exec \"$0\"");
                    program.says("ready");
                    send_signal(child_of(program.pid()), signal);
                    assert_eq!(program.ends().code(), Some(128 + signal as i32), "{signal}");
                    program.and_all_it_started_are_gone_within(Duration::from_secs(5));
                }
            }),
        test("as_process_1_a_primary_that_asked_is_told_its_signals")
            .primary(|mut primary| {
                assert_eq!(std::process::id(), 1);
                primary.signals(&ENDING).unwrap();
                primary.fork().unwrap();
                primary.waits_until_online(1);
                for expected in ENDING {
                    println!("ready");
                    let told = primary.until(|event| match event {
                        Event::Signal(signal) => Some(signal),
                        _ => None,
                    });
                    assert_eq!(told, expected);
                }
                println!("ready");
                cluster::die_of(Signal::SIGTERM);
            })
            .outside(|test| {
                let mut program = first_process(test, "exec \"$0\"");
                for signal in ENDING {
                    program.says("ready");
                    send_signal(child_of(program.pid()), signal);
                }
                program.says("ready");
                assert_eq!(program.ends().code(), Some(128 + Signal::SIGTERM as i32));
            }),
        test("as_process_1_a_primary_leaves_alone_what_was_ignored_and_its_workers_start_afresh")
            .primary(|mut primary| {
                assert_eq!(std::process::id(), 1);
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), cluster::json!("none"));
                nix::sys::signal::raise(Signal::SIGHUP).unwrap(); // ignored
                println!("ready");
                primary.rest();
            })
            .worker(|mut me, _| {
                let status = std::fs::read_to_string("/proc/self/status").unwrap();
                let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
                let hangup = u64::from_str_radix(ignored.trim(), 16).unwrap() & 1;
                me.send(if hangup == 0 { "none" } else { "SIGHUP" }).unwrap();
                assert!(me.recv().unwrap().is_none());
            })
            .outside(|test| {
                let mut program = first_process(test, "trap '' HUP; exec \"$0\"");
                program.says("ready");
                send_signal(child_of(program.pid()), Signal::SIGTERM);
                assert_eq!(program.ends().code(), Some(128 + Signal::SIGTERM as i32));
            }),
    ];
    tests.map(|test| test.needs(namespaces)).to_vec()
}

fn waits(mut primary: Primary) {
    assert_eq!(std::process::id(), 1);
    for _ in 0..2 {
        primary.fork().unwrap();
    }
    primary.waits_until_online(2);
    println!("ready");
    primary.rest();
}

fn namespaces() -> Result<(), String> {
    match Command::new("unshare").args(["-pf", "--mount-proc", "true"]).output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err("needs root (unshare -pf --mount-proc)".into()),
    }
}

fn first_process(test: &Test, script: &str) -> Program {
    let mut command = Command::new("unshare");
    command.args(["-pf", "--mount-proc", "/bin/sh", "-c", script]);
    command.arg(std::env::current_exe().unwrap());
    Program::start(test, command)
}

/// Process 1 in there, by the number that it has out here.
fn child_of(pid: i32) -> i32 {
    let file = format!("/proc/{pid}/task/{pid}/children");
    let deadline = Instant::now() + DEADLINE;
    loop {
        let children = std::fs::read_to_string(&file).unwrap();
        if let Some(child) = children.split_whitespace().next() {
            return child.parse().unwrap();
        }
        assert!(Instant::now() < deadline, "it has no child");
    }
}
