//! Node's own tests of its `cluster`, as ours: the same behaviour, told again in our words. Each
//! runs with a Rust primary and Rust workers and, where its halves can be separated, with Node on
//! either side of the channel. `CONFORMANCE.md` is the result; `UPDATE=1` writes it.
//!
//! A row's name is that of Node's file, so `cargo test --test conformance worker_disconnect` runs
//! it in all its pairings, and `… rust_primary_node_worker` runs one pairing.

// A scenario that cannot go on fails by panicking.
#![allow(clippy::unwrap_used)]

// Shared with other targets: this one uses a part.
#[allow(dead_code)]
#[path = "processes/harness.rs"]
mod harness;
// Shared with other targets: this one uses a part.
#[allow(dead_code)]
#[path = "processes/listening.rs"]
mod listening;
// Shared with other targets: this one uses a part.
#[allow(dead_code)]
#[path = "processes/program.rs"]
mod program;
// Shared with other targets: this one uses a part.
#[allow(dead_code)]
#[path = "processes/remote.rs"]
mod remote;

#[path = "conformance/death.rs"]
mod death;
#[path = "conformance/errors.rs"]
mod errors;
#[path = "conformance/handles.rs"]
mod handles;
#[path = "conformance/lifecycle.rs"]
mod lifecycle;
#[path = "conformance/node.rs"]
mod node;
#[path = "conformance/obeys.rs"]
mod obeys;
#[path = "conformance/row.rs"]
mod row;
#[path = "conformance/settings.rs"]
mod settings;
#[path = "conformance/steps.rs"]
mod steps;
#[path = "conformance/table.rs"]
mod table;
#[path = "conformance/tcp.rs"]
mod tcp;
#[path = "conformance/tcp_related.rs"]
mod tcp_related;
#[path = "conformance/tolerance.rs"]
mod tolerance;
#[path = "conformance/udp.rs"]
mod udp;
#[path = "conformance/unix.rs"]
mod unix;
#[path = "conformance/workers.rs"]
mod workers;

fn main() {
    let groups = [
        lifecycle::rows,
        workers::rows,
        settings::rows,
        tcp::rows,
        tcp_related::rows,
        udp::rows,
        unix::rows,
        handles::rows,
        errors::rows,
        death::rows,
        tolerance::rows,
    ];
    let rows = || groups.iter().flat_map(|group| group());
    if !harness::plays_a_part(|| rows().flat_map(|row| row.tests())) {
        table::run(rows().collect());
    }
}
