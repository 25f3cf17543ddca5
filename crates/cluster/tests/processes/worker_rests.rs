//! A worker for which the system has no room just now: no descriptor, no wait, nobody who listens.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use cluster::{Signal, json};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::harness::{Events, Test, cpu_time, exit_of, test};
use crate::leaks::open_files;
use crate::raw_primary::{KEY, RawPrimary, with_socket};
use crate::remote::{ask, asks, fork_some, meanwhile, obeys, order, tell, until_gone};

pub fn tests() -> Vec<Test> {
    vec![
        test("a_worker_without_descriptors_rests_and_its_siblings_serve")
            .policy("none")
            .primary(|mut primary| {
                let [full, other] = fork_some(&mut primary);
                let at = tell(&mut primary, full, "listen 127.0.0.1:0");
                assert_eq!(tell(&mut primary, other, "listen 127.0.0.1:0"), at);
                assert_eq!(tell(&mut primary, full, "fill"), "full");
                order(&mut primary, &[other], "serve 0");
                order(&mut primary, &[full], "accept");
                let asked = at.clone();
                let clients = move || (0..30).map(|_| ask(&asked).unwrap()).collect::<Vec<_>>();
                let served = meanwhile(&mut primary, clients);
                assert_eq!(served, ["worker 2"; 30]);
                let used = primary.hears(full).as_u64().unwrap();
                assert!(used < 60, "{used} ms of CPU time");
                primary.kill(other, Signal::SIGKILL).unwrap();
                until_gone(&mut primary, other);
                order(&mut primary, &[full], "have room and accept");
                assert_eq!(asks(&mut primary, &at), "worker 1");
            })
            .worker(|mut me, part| {
                if me.id().get() > 1 {
                    return obeys(me, part);
                }
                assert!(me.recv().unwrap().is_some());
                let listener = me.listen("127.0.0.1:0").unwrap();
                me.send(listener.address().to_string()).unwrap();
                assert!(me.recv().unwrap().is_some());
                let files = fill_the_table();
                me.send("full").unwrap();
                assert!(me.recv().unwrap().is_some());
                let before = cpu_time();
                let deadline = Instant::now() + Duration::from_millis(600);
                assert!(listener.accept_before(deadline).unwrap().is_none());
                me.send((cpu_time() - before).as_millis() as u64).unwrap();
                assert!(me.recv().unwrap().is_some());
                drop(files);
                write!(listener.accept().unwrap().unwrap(), "worker 1").unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("a_worker_without_room_for_the_shared_socket_is_told_and_listens_when_it_has_some")
            .policy("none")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let full = "cannot listen on 127.0.0.1:0: too many open files";
                assert_eq!(primary.hears(worker), json!(full));
                let at = primary.hears(worker).as_str().unwrap().to_owned();
                assert_eq!(asks(&mut primary, &at), "worker 1");
            })
            .worker(|mut me, _| {
                let files = fill_the_table();
                me.send(me.clone().listen("127.0.0.1:0").unwrap_err().to_string()).unwrap();
                drop(files);
                let listener = me.listen("127.0.0.1:0").unwrap();
                me.send(listener.address().to_string()).unwrap();
                write!(listener.accept().unwrap().unwrap(), "worker 1").unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("a_worker_whose_shared_socket_is_lost_for_good_is_told_and_counts_itself_out")
            .primary(|_| {
                let mut raw = RawPrimary::forks("", None);
                let asked = raw.hears("queryServer");
                let ack = &asked["seq"];
                let answer = with_socket(&format!("\"errno\":0,\"key\":\"{KEY}\",\"ack\":{ack}"));
                (0..4).for_each(|_| raw.says(&answer));
                let full = "cannot listen on 127.0.0.1:0: too many open files";
                assert_eq!(raw.hears_the_program(), json!(full));
                // It comes after all.
                raw.says_with(&answer, TcpListener::bind("127.0.0.1:0").unwrap().as_fd());
                assert_eq!(raw.hears("close")["key"], json!(KEY));
                raw.acts("\"act\":\"disconnect\"");
                raw.ends_well();
            })
            .worker(|mut me, _| {
                me.send(me.clone().listen("127.0.0.1:0").unwrap_err().to_string()).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("workers_that_wait_on_a_shared_socket_wait_on_when_the_primary_stops_accepting")
            .policy("none")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.hears(worker);
                primary.stop_accepting();
                let used = primary.hears(worker).as_u64().unwrap();
                assert!(used < 60, "{used} ms of CPU time");
                primary.disconnect(worker);
                assert_eq!(exit_of(&mut primary), (cluster::Exit::Code(0), true));
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                me.send("listens").unwrap();
                let before = cpu_time();
                let deadline = Instant::now() + Duration::from_millis(400);
                assert!(listener.accept_before(deadline).unwrap().is_none());
                me.send((cpu_time() - before).as_millis() as u64).unwrap();
                assert!(listener.accept().unwrap().is_none());
            }),
        test("a_worker_that_the_system_lets_wait_for_nothing_hears_its_primary_all_the_same")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                assert_eq!(primary.hears(worker), json!("limited"));
                for number in 0..3 {
                    primary.send(worker, number).unwrap();
                    assert_eq!(primary.hears(worker), json!(number));
                }
                primary.disconnect(worker);
                assert_eq!(exit_of(&mut primary), (cluster::Exit::Code(0), true));
            })
            .worker(|mut me, _| {
                // poll(2) takes no more sockets than this process may have open.
                let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
                setrlimit(Resource::RLIMIT_NOFILE, 1, hard).unwrap();
                me.send("limited").unwrap();
                while let Some(message) = me.recv().unwrap() {
                    me.send(message.parse::<u32>().unwrap()).unwrap();
                }
            }),
    ]
}

/// Takes every descriptor that this process may have.
fn fill_the_table() -> Vec<File> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, open_files() as u64 + 8, hard).unwrap();
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    files
}
