//! Who chooses the worker for a connection, and when that may change.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use cluster::{Address, Error, Event, Primary, SchedulingPolicy, Signal, WorkerId, json};

use crate::harness::{Events, Test, test};

pub fn tests() -> Vec<Test> {
    vec![
        test("the_policy_is_fixed_while_there_are_workers_and_free_when_all_are_gone")
            .primary(|mut primary| {
                for policy in [SchedulingPolicy::Shared, SchedulingPolicy::RoundRobin] {
                    primary.set_scheduling_policy(policy).unwrap();
                    let worker = primary.fork().unwrap();
                    assert_eq!(shares(&mut primary, worker), policy == SchedulingPolicy::Shared);
                    is_frozen(&mut primary);
                    primary.disconnect(worker);
                    is_frozen(&mut primary);
                    assert!(primary.rest().last().unwrap().ends_with("exits 0, voluntary"));
                }
            })
            .worker(listen),
        test("the_policy_is_fixed_while_a_listener_waits_for_a_replacement")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                shares(&mut primary, worker);
                primary.kill(worker, Signal::SIGKILL).unwrap();
                primary.until(|event| matches!(event, Event::Exit { .. }).then_some(()));
                is_frozen(&mut primary);
                assert!(primary.next_event().unwrap().is_none(), "nobody is left");
                primary.set_scheduling_policy(SchedulingPolicy::Shared).unwrap();
            })
            .worker(listen),
        test("the_policy_is_fixed_while_a_fork_is_due").primary(|mut primary| {
            primary.fork_after(Duration::from_secs(60), None).unwrap();
            is_frozen(&mut primary);
        }),
        test("whoever_takes_the_shared_socket_itself_keeps_the_port_for_its_siblings")
            .primary(|mut primary| {
                primary.set_scheduling_policy(SchedulingPolicy::Shared).unwrap();
                let [one, two] = [(); 2].map(|()| {
                    primary.fork().unwrap();
                    primary.until(|event| match event {
                        Event::Listening(_, Address::Tcp(address)) => Some(address),
                        _ => None,
                    })
                });
                assert_eq!(one, two, "two workers, one port");
                // Whoever takes it disconnects; then the other one is the only one there.
                for left in [1, 0] {
                    let _held = TcpStream::connect(one).unwrap();
                    let events = std::iter::from_fn(|| primary.next_event().unwrap());
                    let gone = events.filter(|event| matches!(event, Event::Exit { .. })).take(1);
                    assert_eq!(gone.count(), 1);
                    assert_eq!(primary.workers().count(), left);
                }
                is_closed(one);
            })
            .worker(|mut me, _| {
                let on = cluster::Listen::from("127.0.0.1:0").blocking();
                let socket = me.listen(on).unwrap().into_std().unwrap();
                socket.accept().unwrap();
                me.disconnect().unwrap();
            }),
        test("a_worker_is_idle_while_its_program_waits_in_accept")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let address = primary.until(|event| match event {
                    Event::Listening(_, Address::Tcp(address)) => Some(address),
                    _ => None,
                });
                assert!(!primary.is_idle(worker), "it listens, and does not accept yet");
                primary.send(worker, "accept").unwrap();
                for _ in 0..3 {
                    becomes_idle(&mut primary, worker);
                    let client = TcpStream::connect(address).unwrap();
                    assert_eq!(primary.hears(worker), json!("served"));
                    assert!(!primary.is_idle(worker), "it waits for a message now");
                    drop(client);
                    primary.send(worker, "accept").unwrap();
                }
            })
            .worker(|mut me, _| {
                let listener = me.listen("127.0.0.1:0").unwrap();
                while me.recv().unwrap().is_some() {
                    let Some(connection) = listener.accept().unwrap() else { return };
                    me.send("served").unwrap();
                    drop(connection);
                }
            }),
    ]
}

fn becomes_idle(primary: &mut Primary, worker: WorkerId) {
    primary.tell_when_idle(worker);
    let idle = primary.until(|event| match event {
        Event::Idle(worker) => Some(worker),
        _ => None,
    });
    assert_eq!(idle, worker);
    assert!(primary.is_idle(worker));
}

fn is_closed(address: SocketAddr) {
    let refused = TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

fn is_frozen(primary: &mut Primary) {
    let changed = primary.set_scheduling_policy(SchedulingPolicy::Shared);
    assert!(matches!(changed, Err(Error::PolicyFrozen)), "{changed:?}");
}

/// Whether the worker got a share of the listening socket itself.
fn shares(primary: &mut Primary, worker: WorkerId) -> bool {
    primary.hears(worker) == json!(true)
}

fn listen(mut me: cluster::Worker, _: &str) {
    let _kept = me.listen("127.0.0.1:0").unwrap();
    let shared = me.listen("127.0.0.1:0").unwrap().into_std();
    me.send(shared.is_ok()).unwrap();
    while me.recv().unwrap().is_some() {}
}
