//! From fork to exit: events, states, and every way to end.

use cluster::{Address, Event, Primary, Settings, Signal, State, WorkerId};

use crate::harness::{Events, in_short};
use crate::obeys::some;
use crate::remote::{order, tell, until_gone};
use crate::row::{Row, row};
use crate::steps::{ends, the_end, until_disconnected};

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
            // A Node worker that leaves and is told to leave ends with an error of its own:
            // ERR_IPC_DISCONNECTED.
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
    ]
}

fn unshared(mut primary: Primary, listen: &str) {
    let [bound, idle] = some(&mut primary);
    tell(&mut primary, bound, listen);
    primary.disconnect(idle);
    until_gone(&mut primary, idle);
    primary.disconnect_all();
    assert_eq!(the_end(&mut primary), ends(bound, "exits 0, voluntary"));
}
