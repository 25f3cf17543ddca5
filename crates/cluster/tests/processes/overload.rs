//! Clients that misbehave, and a primary that has no descriptor left.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use cluster::{Primary, Signal};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::harness::{Events, Test, cpu_time, in_both, test};
use crate::leaks::open_files;
use crate::remote::{ask, asks, fork_serving, fork_some, meanwhile, obeys, order, tell};
use crate::scheduling::text_of;

pub fn tests() -> Vec<Test> {
    let mut tests = in_both("clients_that_reset_or_say_goodbye_early_do_no_harm", |mut primary| {
        let ([one, two], at) = fork_serving(&mut primary, "127.0.0.1:0");
        let before = open_files();
        let served = meanwhile(&mut primary, move || {
            let mut served = 0;
            for round in 0..100 {
                let client = socket2::Socket::from(TcpStream::connect(&at).unwrap());
                match round % 3 {
                    // A reset instead of an end, perhaps before anybody has accepted.
                    0 => client.set_linger(Some(Duration::ZERO)).unwrap(),
                    1 => client.shutdown(std::net::Shutdown::Write).unwrap(),
                    _ => {
                        let mut client = TcpStream::from(client);
                        client.write_all(b"what nobody reads").unwrap();
                        drop(client);
                        continue;
                    }
                }
                if round % 3 == 1 {
                    served += usize::from(text_of(client.into()).starts_with("worker"));
                }
            }
            (0..10).for_each(|_| drop(ask(&at).unwrap()));
            served
        });
        assert_eq!(served, 33);
        assert_eq!(open_files(), before);
        assert!([one, two].iter().all(|&worker| !primary.is_dead(worker)));
    })
    .to_vec();
    tests.push(
        test("a_primary_without_descriptors_rests_and_then_serves_everybody")
            .primary(|mut primary| {
                let [worker] = fork_some(&mut primary);
                let at = tell(&mut primary, worker, "listen 127.0.0.1:0");
                assert_eq!(asks_one(&mut primary, worker, &at), "worker 1");
                let clients: Vec<_> = (0..60).map(|_| TcpStream::connect(&at).unwrap()).collect();
                let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
                // The primary may take twenty of them.
                setrlimit(Resource::RLIMIT_NOFILE, open_files() as u64 + 20, hard).unwrap();
                let before = cpu_time();
                // What is measured is this time: a primary that turned in circles would use all of
                // it.
                meanwhile(&mut primary, || std::thread::sleep(Duration::from_millis(300)));
                let used = cpu_time() - before;
                assert!(used < Duration::from_millis(100), "{used:?}");
                order(&mut primary, &[worker], "serve 0");
                let names = meanwhile(&mut primary, move || {
                    clients.into_iter().map(text_of).collect::<Vec<_>>()
                });
                assert_eq!(names, ["worker 1"; 60]);
            })
            .worker(obeys),
    );
    tests.push(
        test("a_worker_without_descriptors_loses_no_client")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let at = primary.hears(worker).as_str().unwrap().to_owned();
                let client = TcpStream::connect(&at).unwrap();
                let name = meanwhile(&mut primary, move || text_of(client));
                assert_eq!(name, "worker 1");
                primary.kill(worker, Signal::SIGKILL).unwrap();
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
                setrlimit(Resource::RLIMIT_NOFILE, open_files() as u64, hard).unwrap();
                let mut files = Vec::new();
                while let Ok(file) = std::fs::File::open("/dev/null") {
                    files.push(file);
                }
                std::thread::spawn(move || {
                    // Longer than the primary tries at once: the worker has to be tried again.
                    std::thread::sleep(Duration::from_millis(100));
                    drop(files);
                });
                me.send(listener.address().to_string()).unwrap();
                let mut client = listener.accept().unwrap().unwrap();
                write!(client, "{}", me.id()).unwrap();
                drop(client);
                assert!(me.recv().unwrap().is_none());
            }),
    );
    tests
}

fn asks_one(primary: &mut Primary, worker: cluster::WorkerId, at: &str) -> String {
    order(primary, &[worker], "accept 0");
    asks(primary, at)
}
