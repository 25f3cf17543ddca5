//! Nothing stays behind: no descriptor, no zombie, no process.

use std::fs::File;
use std::os::unix::net::UnixStream;

use cluster::{Error, Event, Primary, Settings, Worker};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::harness::{Events, Test, part, test};

pub fn tests() -> Vec<Test> {
    vec![
        test("two_hundred_forks_leave_no_descriptor_and_no_zombie").primary(|mut primary| {
            primary.setup(Settings::new().silent());
            let before = open_files();
            for round in 0..20 {
                // Some are started in the other way.
                let extra = if round % 4 == 0 { Settings::new().cwd("/") } else { Settings::new() };
                for _ in 0..10 {
                    primary.fork_with(extra.clone()).unwrap();
                }
                primary.disconnect_all();
                let told = primary.rest();
                let ends = told.iter().filter(|event| event.ends_with("exits 0, voluntary"));
                assert_eq!(ends.count(), 10, "{told:?}");
            }
            assert_eq!(open_files(), before);
            has_no_child();
        }),
        test("a_worker_inherits_its_channel_and_nothing_else_of_the_primary")
            .primary(|mut primary| {
                let count = |primary: &mut Primary| {
                    let worker = primary.fork().unwrap();
                    primary.hears(worker).as_u64().unwrap()
                };
                let alone = count(&mut primary);
                let _files: Vec<_> = (0..10).map(|_| File::open("/dev/null").unwrap()).collect();
                primary.signals(&[cluster::Signal::SIGTERM]).unwrap();
                assert_eq!(count(&mut primary), alone);
            })
            .worker(|mut me, _| {
                me.send(open_files()).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("forks_that_fail_leave_no_descriptor_and_no_zombie").primary(|mut primary| {
            let before = open_files();
            for _ in 0..20 {
                let missing = Settings::new().exec("/no/such/program").silent();
                primary.fork_with(missing.clone()).unwrap_err();
                primary.fork_with(missing.cwd("/")).unwrap_err();
            }
            assert_eq!(open_files(), before);
            has_no_child();
        }),
        test("a_fork_for_which_descriptors_are_lacking_leaves_no_process").primary(
            |mut primary| {
                let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
                setrlimit(Resource::RLIMIT_NOFILE, soft.min(64), hard).unwrap();
                let mut files = Vec::new();
                while let Ok(file) = File::open("/dev/null") {
                    files.push(file);
                }
                // With one more free each time, each step of a fork is the first that fails.
                let refused = loop {
                    match primary.fork_with(Settings::new().silent()) {
                        Err(Error::Spawn { .. }) => has_no_child(),
                        Err(other) => panic!("{other}"),
                        Ok(_) => break files.len(),
                    }
                    files.pop().unwrap();
                };
                assert!(refused > 0);
                primary.waits_until_online(1);
            },
        ),
        test("sockets_that_travelled_are_closed_behind_them")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.waits_until_online(1);
                let before = open_files();
                for _ in 0..200 {
                    let (_, travels) = UnixStream::pair().unwrap();
                    primary.send_with(worker, 1, travels).unwrap();
                }
                let mut back = 0;
                primary.until(|event| {
                    back += u32::from(matches!(event, Event::Message(..)));
                    (back == 200).then_some(())
                });
                primary.send(worker, "how many?").unwrap();
                assert_eq!(primary.hears(worker), cluster::json!(0));
                assert_eq!(open_files(), before);
            })
            .worker(|mut me, _| {
                let before = open_files();
                while let Some(mut message) = me.recv().unwrap() {
                    match message.handle.take() {
                        Some(handle) => me.send_with(message.value().unwrap(), handle).unwrap(),
                        None => {
                            // The last one's ACK came before this question.
                            me.send(open_files() - before).unwrap();
                        }
                    }
                }
            }),
        test("a_worker_that_dies_while_sockets_travel_leaves_none_of_them_open")
            .primary(|mut primary| {
                let before = open_files();
                for _ in 0..10 {
                    let worker = primary.fork_with(part("deaf")).unwrap();
                    for _ in 0..10 {
                        let (_, travels) = UnixStream::pair().unwrap();
                        primary.send_with(worker, 1, travels).unwrap();
                    }
                    primary.waits_until_online(1);
                    primary.kill(worker, cluster::Signal::SIGKILL).unwrap();
                    let told = primary.rest();
                    let lost = format!("{worker} error: 10 messages were not delivered");
                    assert!(told.contains(&lost), "{told:?}");
                }
                assert_eq!(open_files(), before);
            })
            .worker(deaf),
        test("a_primary_that_is_dropped_closes_all_that_it_opened").primary(|mut primary| {
            let before = open_files();
            primary.setup(Settings::new().silent());
            for _ in 0..5 {
                primary.fork().unwrap();
            }
            primary.signals(&[cluster::Signal::SIGUSR1]).unwrap();
            drop(primary);
            assert_eq!(open_files(), before - 1); // its waker was there before
        }),
    ]
}

fn deaf(_me: Worker, _: &str) {
    loop {
        std::thread::park();
    }
}

pub fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[track_caller]
pub fn has_no_child() {
    let children = nix::sys::wait::waitpid(None, Some(nix::sys::wait::WaitPidFlag::WNOHANG));
    assert_eq!(children, Err(nix::errno::Errno::ECHILD));
}
