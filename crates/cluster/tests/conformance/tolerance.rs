//! Peers that say what nobody expects.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use cluster::{Event, Primary, Settings, WorkerId, json};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::handles::{pair, text_of};
use crate::obeys::some;
use crate::remote::{meanwhile, tell};
use crate::row::{Row, ours, row};
use crate::steps::{leaves, local};

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
        ours("two_sockets_at_once_arrive_both_and_one_too_many_is_closed_and_told")
            .rust_only(
                "a Node worker waits for each to be acknowledged, and a Node primary is not ours",
            )
            .primary(|mut primary| {
                let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
                let before = open();
                primary.fork_with(crate::harness::plain("")).unwrap();
                let mut told = Vec::new();
                while let Some(event) = primary.next_event().unwrap() {
                    match event {
                        Event::Message(_, message) => {
                            told.push(format!(
                                "{} {}",
                                message.value().unwrap(),
                                message.handle.is_some()
                            ));
                        }
                        Event::Error(_, error) => told.push(error.to_string()),
                        _ => {}
                    }
                }
                let unexpected = "an unexpected file descriptor, closed";
                assert_eq!(told, ["1 true", "2 true", "3 true", unexpected, "4 false"]);
                assert_eq!(open(), before);
            })
            .plain(|_| {
                let number = std::env::var("NODE_CHANNEL_FD").unwrap().parse().unwrap();
                // SAFETY: it is this program's channel, by the primary's word, and nobody else here
                // takes it.
                #[allow(unsafe_code)]
                let channel = unsafe { OwnedFd::from_raw_fd(number) };
                let socket = UnixStream::pair().unwrap().0;
                for (message, sockets) in [(1, 1), (2, 1), (3, 2)] {
                    let line = format!(
                        "{{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":{message}}}\n"
                    );
                    writes(&channel, &line, &vec![socket.as_fd(); sockets]);
                }
                writes(&channel, "4\n", &[]);
            }),
    ]
}

fn writes(channel: &OwnedFd, line: &str, sockets: &[BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !sockets.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(sockets)));
    }
    let line = [IoSlice::new(line.as_bytes())];
    sendmsg(channel, &line, &mut control, SendFlags::empty()).unwrap();
}

/// A Node worker that has as many connections as it wants refuses one again and again, and each
/// time closes what it got.
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
