//! What a worker finds when it starts, before it has taken its role.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio as ChildStdio};

use cluster::{Event, Primary, Settings, Signal, Stdio, json};

use crate::harness::{Events, Test, part, plain, test};

pub fn tests() -> Vec<Test> {
    vec![
        test("a_worker_is_told_the_limits_and_the_policy_of_its_primary_whatever_it_runs")
            .primary(|mut primary| {
                let ours = || part("terms").env("CLUSTER_PLAIN", "1");
                primary.setup(Settings::new().stdout(Stdio::Lines));
                assert_eq!(prints(&mut primary, ours()), "8388608 1048576 none");
                assert_eq!(prints(&mut primary, plain("terms")), "8388608 1048576 none");
                primary.setup(Settings::new().line_limit(5000).env("CLUSTER_PRIMARY", "mine"));
                let own = ours().queue_limit(70);
                assert_eq!(prints(&mut primary, own.clone()), "5000 70 none");
                assert_eq!(prints(&mut primary, own.cwd("/")), "5000 70 none");
                while primary.next_event().unwrap().is_some() {}
                primary.set_scheduling_policy(cluster::SchedulingPolicy::RoundRobin).unwrap();
                assert_eq!(prints(&mut primary, ours()), "5000 1048576 rr");
            })
            .policy("none")
            .plain(|_| println!("{}", std::env::var("CLUSTER_PRIMARY").unwrap()))
            .outside(|test| {
                // One that a primary farther out has left there.
                let mut outer = test.start_changed(|command| {
                    command.env("CLUSTER_PRIMARY", "1 2 rr");
                });
                outer.succeeds();
            }),
        test("until_a_worker_of_ours_has_its_role_sigint_and_sigterm_wait")
            .primary(|mut primary| {
                primary.signals(&[Signal::SIGTERM, Signal::SIGUSR1]).unwrap();
                primary.setup(Settings::new().stdout(Stdio::Lines));
                let blocked = |signals: &[Signal]| {
                    let bits = signals.iter().map(|&signal| 1u64 << (signal as i32 - 1));
                    format!("{:016x}", bits.sum::<u64>())
                };
                let wait = blocked(&[Signal::SIGINT, Signal::SIGTERM]);
                for settings in [Settings::new(), Settings::new().cwd("/")] {
                    let ours = settings.clone().env("CLUSTER_PART", "blocked");
                    assert_eq!(prints(&mut primary, ours.env("CLUSTER_PLAIN", "1")), wait);
                    let foreign = settings.env("CLUSTER_PART", "blocked").env("CLUSTER_PLAIN", "1");
                    let foreign = foreign.exec(std::env::current_exe().unwrap());
                    assert_eq!(prints(&mut primary, foreign), blocked(&[]));
                }
            })
            .plain(|_| {
                let status = std::fs::read_to_string("/proc/self/status").unwrap();
                let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
                println!("{}", blocked.unwrap().trim());
            }),
        test("the_channel_to_a_node_program_that_forked_the_primary_is_closed_in_its_workers")
            .primary(|mut primary| {
                let here = std::fs::read_link("/proc/self/fd/9").unwrap();
                assert!(here.to_str().unwrap().starts_with("socket:"), "{here:?}");
                for settings in [Settings::new(), Settings::new().cwd("/")] {
                    let worker = primary.fork_with(settings).unwrap();
                    assert_eq!(primary.hears(worker), json!(null));
                }
            })
            .worker(|me, _| me.send(std::fs::read_link("/proc/self/fd/9").ok()).unwrap())
            .outside(|test| {
                let (ours, theirs) = UnixStream::pair().unwrap();
                assert!(begin(test, theirs.into(), "9").wait().unwrap().success());
                drop(ours);
            }),
        test("what_is_no_channel_to_a_node_program_stays_open_in_workers")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                assert_ne!(primary.hears(worker), json!(null));
            })
            .worker(|me, _| me.send(std::fs::read_link("/proc/self/fd/9").ok()).unwrap())
            .outside(|test| {
                for number in ["9", "-1", "2147483647", "nine", ""] {
                    let file = std::fs::File::open("/dev/null").unwrap();
                    assert!(begin(test, file.into(), number).wait().unwrap().success(), "{number}");
                }
            }),
    ]
}

/// Starts the primary with this file under the number 9, and what the variable says of it.
fn begin(test: &Test, file: OwnedFd, number: &str) -> std::process::Child {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg("exec 9<&0 </dev/null; exec \"$0\"").arg(std::env::current_exe().unwrap());
    shell.env("CLUSTER_TEST", test.name).env("NODE_CHANNEL_FD", number);
    shell.stdin(ChildStdio::from(file)).spawn().unwrap()
}

/// What a worker with these settings prints.
fn prints(primary: &mut Primary, settings: Settings) -> String {
    let worker = primary.fork_with(settings).unwrap();
    primary.until(|event| match event {
        Event::Output(from, line) if from == worker => Some(line),
        _ => None,
    })
}
