//! From fork to exit: events, states, and every way to end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::exit;

use cluster::{
    Address, Event, Exit, Primary, Settings, Signal, State, WorkerEvent, WorkerId, json,
};

use crate::harness::{Events, in_short};
use crate::obeys::{one, some};
use crate::remote::{order, tell, until_gone};
use crate::row::{Row, row};

pub fn rows() -> Vec<Row> {
    vec![
        row(3, "basic").primary(|mut primary| {
            let worker = primary.fork().unwrap();
            assert_eq!((worker.get(), primary.state(worker)), (1, State::None));
            primary.hears(worker);
            assert_eq!(primary.state(worker), State::Online);
            assert_eq!(tell(&mut primary, worker, "env NODE_UNIQUE_ID"), "none");
            primary.send(worker, "listen 127.0.0.1:0").unwrap();
            let at = primary.until(|event| match event {
                Event::Listening(worker, at) if worker.get() == 1 => Some(at),
                _ => None,
            });
            assert!(matches!(at, Address::Tcp(at) if at.ip().is_loopback() && at.port() > 0));
            assert_eq!(primary.state(worker), State::Listening);
            primary.disconnect(worker);
            let told = the_end(&mut primary);
            assert_eq!(told[told.len() - 2..], ends(worker, "exits 0, voluntary"));
            assert_eq!(primary.state(worker), State::Dead);
        }),
        row(6, "call_and_destroy").primary(|mut primary| {
            let [worker] = some(&mut primary);
            order(&mut primary, &[worker], "leave");
            until_disconnected(&mut primary, worker);
            assert!(!primary.is_connected(worker));
            primary.kill(worker, Signal::SIGTERM).unwrap();
            until_gone(&mut primary, worker);
        }),
        row(9, "concurrent_disconnect").primary(|mut primary| {
            let workers: [WorkerId; 6] = some(&mut primary);
            // A Node worker that leaves and is told to leave ends with an error of its own: ERR_IPC_DISCONNECTED.
            if *primary.settings() == Settings::new() {
                order(&mut primary, &workers[..2], "leave");
                order(&mut primary, &workers[2..4], "kill");
            }
            primary.disconnect_all();
            primary.disconnect_all();
            let told = the_end(&mut primary);
            for worker in workers {
                let end = format!("{worker} exits 0, voluntary");
                assert_eq!(told.iter().filter(|it| **it == end).count(), 1, "{told:?}");
            }
        }),
        row(17, "disconnect_before_exit").primary(|mut primary| {
            let [worker] = some(&mut primary);
            primary.disconnect(worker);
            until_disconnected(&mut primary, worker);
            primary.disconnect_all();
            assert_eq!(the_end(&mut primary), [format!("{worker} exits 0, voluntary")]);
        }),
        row(18, "disconnect_exitedAfterDisconnect_race").primary(|mut primary| {
            let [worker] = some(&mut primary);
            order(&mut primary, &[worker], "leave");
            until_disconnected(&mut primary, worker);
            assert_eq!(primary.exited_after_disconnect(worker), Some(true));
            assert_eq!(the_end(&mut primary), [format!("{worker} exits 0, voluntary")]);
        }),
        row(19, "disconnect_idle_worker").primary(|mut primary| {
            let workers: [WorkerId; 2] = some(&mut primary);
            primary.disconnect_all();
            // Node calls back when the first one is gone; here the events end when all are.
            let told = the_end(&mut primary);
            assert_eq!(told.len(), 2 * workers.len(), "{told:?}");
            assert_eq!(primary.workers().count(), 0);
        }),
        row(20, "disconnect_leak")
            .policy("none")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                primary.disconnect(worker);
                let told = the_end(&mut primary);
                assert_eq!(told[told.len() - 2..], ends(worker, "exits 0, voluntary"));
            })
            .worker(|mut me, _| {
                // The primary does not answer any more; and nobody waits for ever.
                let _ = me.listen("127.0.0.1:0");
                assert!(me.recv().unwrap().is_none());
            }),
        row(21, "disconnect_race").policy("none").primary(|mut primary| {
            let one = primary.fork().unwrap();
            primary.hears(one);
            assert_ne!(tell(&mut primary, one, "listen 127.0.0.1:0"), "");
            let two = primary.fork().unwrap();
            primary.until(|it| matches!(it, Event::Online(it) if it == two).then_some(()));
            primary.disconnect(one);
            let mut told = Vec::new();
            primary.until(|event| {
                told.extend(in_short(&event));
                told.ends_with(&[format!("{two} says \"ready\"")]).then_some(())
            });
            primary.disconnect(two);
            told.extend(the_end(&mut primary));
            for worker in [one, two] {
                assert!(told.contains(&format!("{worker} exits 0, voluntary")), "{told:?}");
            }
        }),
        row(22, "disconnect_unshared_tcp")
            .policy("none")
            .primary(|primary| unshared(primary, "listen 127.0.0.1:0")),
        row(23, "disconnect_unshared_udp")
            .policy("none")
            .primary(|primary| unshared(primary, "bind 127.0.0.1:0")),
        row(24, "disconnect_with_no_workers")
            .primary(|mut primary| {
                primary.disconnect_all();
                assert!(primary.next_event().unwrap().is_none());
            })
            .rust_only("no worker in it"),
        row(34, "kill_disconnect").primary(|mut primary| {
            for how in ["leave", "kill"] {
                let [worker] = some(&mut primary);
                order(&mut primary, &[worker], how);
                until_disconnected(&mut primary, worker);
                assert_eq!(primary.exited_after_disconnect(worker), Some(true));
                assert_eq!(the_end(&mut primary), [format!("{worker} exits 0, voluntary")]);
            }
        }),
        row(35, "kill_infinite_loop").primary(|mut primary| {
            let [worker] = some(&mut primary);
            order(&mut primary, &[worker], "spin");
            primary.kill(worker, Signal::SIGTERM).unwrap();
            assert_eq!(the_end(&mut primary), ends(worker, "killed by SIGTERM, unasked"));
        }),
        row(38, "message").primary(|mut primary| {
            let [worker] = some(&mut primary);
            assert_eq!(tell(&mut primary, worker, "echo hello"), "hello");
            primary.disconnect(worker);
        }),
        row(48, "process_disconnect").primary(|mut primary| {
            let [worker] = some(&mut primary);
            tell(&mut primary, worker, "listen 127.0.0.1:0");
            order(&mut primary, &[worker], "hang_up");
            // Nobody announced it, so it is not voluntary; in Node neither.
            assert_eq!(the_end(&mut primary), ends(worker, "exits 0, unasked"));
        }),
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
                    me.send(message.value).unwrap();
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
                // Closing the channel is what the end of a primary does; a worker of ours gets half a second to end by itself.
                drop(primary);
                let deadline = std::time::Instant::now() + crate::harness::DEADLINE;
                let status = nix::sys::wait::waitpid(None, None).unwrap();
                assert!(std::time::Instant::now() < deadline, "{worker}");
                assert!(matches!(status, nix::sys::wait::WaitStatus::Exited(_, 0)), "{status:?}");
            })
            .worker(|mut me, how| {
                me.send("ready").unwrap();
                if how == "forced" {
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

/// What is told until the end; without `listening`, which Node tells after what its listener's own program says.
fn the_end(primary: &mut Primary) -> Vec<String> {
    let mut told = primary.rest();
    told.retain(|event| !event.starts_with("Listening"));
    told
}

fn ends(worker: WorkerId, how: &str) -> [String; 2] {
    [format!("{worker} disconnected"), format!("{worker} {how}")]
}

pub fn until_disconnected(primary: &mut Primary, worker: WorkerId) {
    primary.until(|event| matches!(event, Event::Disconnect(it) if it == worker).then_some(()));
}

fn is_there(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

fn unshared(mut primary: Primary, listen: &str) {
    let [bound, idle] = some(&mut primary);
    tell(&mut primary, bound, listen);
    primary.disconnect(idle);
    until_gone(&mut primary, idle);
    primary.disconnect_all();
    assert_eq!(the_end(&mut primary), ends(bound, "exits 0, voluntary"));
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
