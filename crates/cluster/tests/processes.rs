//! Real primaries and real workers. This binary is all of them: without `CLUSTER_TEST` in its
//! environment it runs the tests; each test starts it again as a primary, in a process group of its
//! own, and that forks it as workers.

// A scenario that cannot go on fails by panicking.
#![allow(clippy::unwrap_used)]

#[path = "processes/harness.rs"]
mod harness;

#[path = "processes/attacked.rs"]
mod attacked;
#[path = "processes/attacks.rs"]
mod attacks;
#[path = "processes/crashes.rs"]
mod crashes;
#[path = "processes/ending.rs"]
mod ending;
#[path = "processes/first_process.rs"]
mod first_process;
#[path = "processes/floods.rs"]
mod floods;
#[path = "processes/forks.rs"]
mod forks;
#[path = "processes/handles.rs"]
mod handles;
#[path = "processes/handover.rs"]
mod handover;
#[path = "processes/hostile.rs"]
mod hostile;
#[path = "processes/inherited.rs"]
mod inherited;
#[path = "processes/leaks.rs"]
mod leaks;
#[path = "processes/left_to_primary.rs"]
mod left_to_primary;
#[path = "processes/lifecycle.rs"]
mod lifecycle;
#[path = "processes/listen_errors.rs"]
mod listen_errors;
#[path = "processes/listening.rs"]
mod listening;
#[path = "processes/long_lines.rs"]
mod long_lines;
#[path = "processes/memory.rs"]
mod memory;
#[path = "processes/messages.rs"]
mod messages;
#[path = "processes/node.rs"]
mod node;
#[path = "processes/node_listening.rs"]
mod node_listening;
#[path = "processes/overload.rs"]
mod overload;
#[path = "processes/places.rs"]
mod places;
#[path = "processes/policy.rs"]
mod policy;
#[path = "processes/program.rs"]
mod program;
#[path = "processes/queues.rs"]
mod queues;
#[path = "processes/raw.rs"]
mod raw;
#[path = "processes/raw_primary.rs"]
mod raw_primary;
#[path = "processes/releases.rs"]
mod releases;
#[path = "processes/remote.rs"]
mod remote;
#[path = "processes/restart.rs"]
mod restart;
#[path = "processes/rights.rs"]
mod rights;
#[path = "processes/scheduling.rs"]
mod scheduling;
#[path = "processes/settings.rs"]
mod settings;
#[path = "processes/shared.rs"]
mod shared;
#[path = "processes/signals.rs"]
mod signals;
#[path = "processes/stale_paths.rs"]
mod stale_paths;
#[path = "processes/start_of_worker.rs"]
mod start_of_worker;
#[path = "processes/starved.rs"]
mod starved;
#[path = "processes/stopping.rs"]
mod stopping;
#[path = "processes/storm.rs"]
mod storm;
#[path = "processes/told.rs"]
mod told;
#[path = "processes/waiting.rs"]
mod waiting;
#[path = "processes/worker_limits.rs"]
mod worker_limits;
#[path = "processes/worker_rests.rs"]
mod worker_rests;
#[path = "processes/worker_terms.rs"]
mod worker_terms;

fn main() {
    harness::main(&[
        lifecycle::tests,
        messages::tests,
        queues::tests,
        waiting::tests,
        handles::tests,
        ending::tests,
        signals::tests,
        first_process::tests,
        hostile::tests,
        long_lines::tests,
        attacks::tests,
        attacked::tests,
        floods::tests,
        inherited::tests,
        leaks::tests,
        restart::tests,
        settings::tests,
        start_of_worker::tests,
        releases::tests,
        rights::tests,
        listening::tests,
        listen_errors::tests,
        stale_paths::tests,
        shared::tests,
        policy::tests,
        scheduling::tests,
        overload::tests,
        crashes::tests,
        forks::tests,
        starved::tests,
        stopping::tests,
        told::tests,
        places::tests,
        storm::tests,
        handover::tests,
        node::tests,
        node_listening::tests,
        worker_limits::tests,
        worker_rests::tests,
        worker_terms::tests,
        left_to_primary::tests,
    ]);
}
