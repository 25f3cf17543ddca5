//! Node's tests of one worker: its states, and how it ends.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::exit;

use cluster::{Event, Exit, Primary, Signal, State, WorkerEvent, json};

use crate::harness::{Events, in_short};
use crate::obeys::{one, some};
use crate::remote::{order, tell, until_gone};
use crate::row::{Row, row};
use crate::steps::{ends, is_there, the_end, until_disconnected};

pub fn rows() -> Vec<Row> {
    vec![
        row(69, "worker_death").primary(|mut primary| {
            let [worker] = some(&mut primary);
            order(&mut primary, &[worker], "exit 42");
            assert_eq!(the_end(&mut primary), ends(worker, "exits 42, unasked"));
        }),
        row(70, "worker_destroy")
            .primary(|mut primary| {
                for how in ["connected", "disconnected"] {
                    let worker = one(&mut primary, how);
                    primary.send(worker, "go").unwrap();
                    assert_eq!(the_end(&mut primary), ends(worker, "exits 0, voluntary"));
                }
            })
            .worker(|mut me, how| {
                me.send("ready").unwrap();
                me.recv().unwrap();
                if how == "disconnected" {
                    me.disconnect().unwrap();
                    assert!(!me.is_connected());
                }
                me.kill()
            }),
        row(72, "worker_disconnect")
            .primary(|mut primary| {
                let [worker] = some(&mut primary);
                let pid = primary.pid(worker).unwrap();
                primary.disconnect(worker);
                until_disconnected(&mut primary, worker);
                assert_eq!(primary.exited_after_disconnect(worker), Some(true));
                assert_eq!(primary.state(worker), State::Disconnected);
                assert_eq!(the_end(&mut primary), [format!("{worker} exits 42, voluntary")]);
                assert!(!is_there(pid));
            })
            .worker(|mut me, _| {
                let _listener = me.listen("127.0.0.1:0").unwrap();
                me.send("ready").unwrap();
                assert!(matches!(me.next_event().unwrap(), Some(WorkerEvent::Disconnect)));
                assert!(me.next_event().unwrap().is_none());
                exit(42)
            }),
        row(73, "worker_events")
            .primary(|mut primary| {
                let [worker] = some(&mut primary);
                primary.send(worker, "once").unwrap();
                primary.send(worker, "enough").unwrap();
                // One stream of events instead of two emitters: it cannot come twice.
                assert_eq!(primary.hears(worker), json!("once"));
                assert_eq!(primary.hears(worker), json!("enough"));
                primary.disconnect(worker);
            })
            .worker(|mut me, _| {
                me.send("ready").unwrap();
                while let Some(message) = me.recv().unwrap() {
                    me.send(message.value().unwrap()).unwrap();
                }
            }),
        row(74, "worker_exit").primary(|mut primary| {
            let [worker] = some(&mut primary);
            let pid = primary.pid(worker).unwrap();
            tell(&mut primary, worker, "listen 127.0.0.1:0");
            order(&mut primary, &[worker], "exit 42");
            until_disconnected(&mut primary, worker);
            assert_eq!(primary.state(worker), State::Disconnected);
            assert_ne!(primary.exited_after_disconnect(worker), Some(true));
            assert_eq!(the_end(&mut primary), [format!("{worker} exits 42, unasked")]);
            assert!(!is_there(pid));
        }),
        row(75, "worker_forced_exit")
            .primary(|mut primary| {
                let worker = one(&mut primary, "goes on");
                primary.disconnect(worker);
                assert_eq!(the_end(&mut primary), ends(worker, "exits 42, voluntary"));
                let worker = one(&mut primary, "forced");
                // Closing the channel is what the end of a primary does; a worker of ours gets half
                // a second to end by itself.
                drop(primary);
                let deadline = std::time::Instant::now() + crate::harness::DEADLINE;
                let status = nix::sys::wait::waitpid(None, None).unwrap();
                assert!(std::time::Instant::now() < deadline, "{worker}");
                assert!(matches!(status, nix::sys::wait::WaitStatus::Exited(_, 0)), "{status:?}");
            })
            .worker(|mut me, how| {
                me.send("ready").unwrap();
                if how == "forced" {
                    // The program is busy for longer than any test lasts: only force ends it.
                    std::thread::sleep(crate::harness::DEADLINE);
                    exit(42);
                }
                assert!(me.recv().unwrap().is_none());
                exit(42)
            }),
        row(77, "worker_init").primary(|mut primary| {
            let [worker] = some(&mut primary);
            assert_eq!(tell(&mut primary, worker, "echo hello"), "hello");
            primary.disconnect(worker);
            assert_eq!(the_end(&mut primary), ends(worker, "exits 0, voluntary"));
        }),
        row(78, "worker_isconnected")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                assert!(primary.is_connected(worker));
                primary.hears(worker);
                primary.disconnect(worker);
                until_disconnected(&mut primary, worker);
                assert!(!primary.is_connected(worker));
                assert_eq!(the_end(&mut primary), [format!("{worker} exits 7, voluntary")]);
            })
            .worker(|mut me, _| {
                assert!(me.is_connected());
                me.send("ready").unwrap();
                assert!(me.recv().unwrap().is_none());
                exit(if me.is_connected() { 1 } else { 7 })
            }),
        row(79, "worker_isdead").primary(|mut primary| {
            let worker = primary.fork().unwrap();
            assert!(!primary.is_dead(worker));
            primary.hears(worker);
            assert!(!primary.is_dead(worker));
            primary.kill(worker, Signal::SIGTERM).unwrap();
            until_gone(&mut primary, worker);
            assert!(primary.is_dead(worker));
        }),
        row(80, "worker_kill_signal").primary(is_killed),
        row(81, "worker_kill").primary(is_killed),
        row(82, "worker_no_exit")
            .primary(|mut primary| {
                let server = TcpListener::bind("127.0.0.1:0").unwrap();
                let worker = one(&mut primary, &server.local_addr().unwrap().to_string());
                let mut connection = server.accept().unwrap().0;
                primary.disconnect(worker);
                until_disconnected(&mut primary, worker);
                assert!(!primary.is_dead(worker));
                connection.write_all(b"bye").unwrap();
                drop(connection);
                assert_eq!(the_end(&mut primary), [format!("{worker} exits 0, voluntary")]);
            })
            .worker(|mut me, at| {
                let mut connection = TcpStream::connect(at).unwrap();
                me.send("ready").unwrap();
                assert!(me.recv().unwrap().is_none());
                let mut text = String::new();
                connection.read_to_string(&mut text).unwrap();
                assert_eq!(text, "bye");
            }),
        row(83, "worker_wait_server_close")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let port = primary.hears(worker).as_str().unwrap().to_owned();
                let mut client = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
                assert_eq!(primary.hears(worker), json!("connected"));
                primary.disconnect(worker);
                // The worker knows, and its channel stays open for as long as its client is there.
                assert_eq!(primary.hears(worker), json!("asked to leave"));
                assert!(primary.is_connected(worker));
                client.write_all(b"the last words").unwrap();
                drop(client);
                assert_eq!(primary.hears(worker), json!("the last words"));
                assert_eq!(the_end(&mut primary), ends(worker, "exits 0, voluntary"));
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                me.send(listener.address().port().unwrap().to_string()).unwrap();
                let mut client = listener.accept().unwrap().unwrap();
                me.send("connected").unwrap();
                assert!(matches!(me.next_event().unwrap(), Some(WorkerEvent::Disconnect)));
                me.send("asked to leave").unwrap();
                let mut text = String::new();
                client.read_to_string(&mut text).unwrap();
                me.send(text).unwrap();
                assert!(me.next_event().unwrap().is_none());
            }),
    ]
}

fn is_killed(mut primary: Primary) {
    let [worker] = some(&mut primary);
    let pid = primary.pid(worker).unwrap();
    tell(&mut primary, worker, "listen 127.0.0.1:0");
    primary.kill(worker, Signal::SIGKILL).unwrap();
    let mut told = Vec::new();
    while let Some(event) = primary.next_event().unwrap() {
        if let Event::Exit { exit, voluntary, .. } = event {
            assert_eq!((exit, voluntary), (Exit::Signal(Signal::SIGKILL), false));
        }
        told.extend(in_short(&event));
    }
    assert_eq!(told[told.len() - 2..], ends(worker, "killed by SIGKILL, unasked"));
    assert_eq!(primary.workers().count(), 0);
    assert!(!is_there(pid));
}
