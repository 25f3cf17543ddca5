//! Who chooses the worker for a connection, and when that may change.

use std::time::Duration;

use cluster::{Error, Event, Primary, SchedulingPolicy, Signal, WorkerId, json};

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
    ]
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
