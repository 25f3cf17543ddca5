//! Peers that say what nobody expects.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use cluster::{Event, Primary, Settings, WorkerId, json};

use crate::handles::{pair, text_of};
use crate::obeys::some;
use crate::remote::{meanwhile, tell};
use crate::row::{Row, ours, row};
use crate::tcp::{leaves, local};

pub fn rows() -> Vec<Row> {
    vec![
        row(32, "invalid_message").primary(|mut primary| {
            let [worker] = some(&mut primary);
            primary.send(worker, json!({"cmd": "NODE_CLUSTER", "ack": -1})).unwrap();
            assert_eq!(tell(&mut primary, worker, "echo alive"), "alive");
            leaves(&mut primary, worker);
        }),
        row(76, "worker_handle_close").primary(|mut primary| {
            let [worker] = some(&mut primary);
            if *primary.settings() != Settings::new() {
                return refuses_without_a_leak(primary, worker);
            }
            // A connection for a listener that nobody has: it is refused, and closed there.
            let (client, theirs) = pair();
            let connection =
                json!({"cmd": "NODE_CLUSTER", "act": "newconn", "key": "nobody's", "seq": 1 << 20});
            primary.send_with(worker, connection, theirs).unwrap();
            let text = meanwhile(&mut primary, move || text_of(client));
            assert_eq!(text, "");
            assert_eq!(tell(&mut primary, worker, "echo alive"), "alive");
            leaves(&mut primary, worker);
        }),
        ours("messages_of_node_s_own_that_nobody_knows_change_nothing").primary(
            |mut primary: Primary| {
                let [worker] = some(&mut primary);
                for message in [
                    json!({"cmd": "NODE_NONSENSE"}),
                    json!({"cmd": "NODE_CLUSTER", "act": "fly", "seq": 1 << 20}),
                    json!({"cmd": "NODE_CLUSTER"}),
                ] {
                    primary.send(worker, message).unwrap();
                }
                assert_eq!(tell(&mut primary, worker, "echo alive"), "alive");
                leaves(&mut primary, worker);
            },
        ),
    ]
}

/// A Node worker that has as many connections as it wants refuses one again and again, and each time closes what it got.
fn refuses_without_a_leak(mut primary: Primary, worker: WorkerId) {
    let at = local(&tell(&mut primary, worker, "listen 127.0.0.1:0 max:1"));
    let _served = TcpStream::connect(&at).unwrap();
    assert_eq!(tell(&mut primary, worker, "echo served"), "served");
    let files = format!("/proc/{}/fd", primary.pid(worker).unwrap());
    let open = || std::fs::read_dir(&files).unwrap().count();
    let before = open();
    let _refused = TcpStream::connect(&at).unwrap();
    for _ in 0..20 {
        let soon = Instant::now() + Duration::from_millis(20);
        while !matches!(primary.next_event_before(soon).unwrap(), Some(Event::Deadline)) {}
        assert_eq!(tell(&mut primary, worker, "echo alive"), "alive");
        // The one that is just being refused may be open.
        assert!(open() <= before + 2, "{before}, then {}", open());
    }
}
