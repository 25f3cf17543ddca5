//! One UDP port, many workers.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use cluster::{Event, Primary, WorkerId, json};

use crate::harness::{DEADLINE, Events};
use crate::listening::ipv6;
use crate::node;
use crate::obeys::{one, some};
use crate::remote::{order, tell};
use crate::row::Pairing::{NodePrimary, NodeWorker, Rust};
use crate::row::{Row, related, row};
use crate::steps::{is_a_port, leaves, local, shares_without_asking, start_with_descriptor};

const ONE_CALL: &str = "`bind_udp` returns when the answer is there: nothing can come in between";

pub fn rows() -> Vec<Row> {
    vec![
        row(7, "child_index_dgram").primary(|mut primary| {
            let [worker] = some(&mut primary);
            for round in [0, 2] {
                for _ in 0..2 {
                    is_a_port(&tell(&mut primary, worker, "bind any:0"));
                }
                for number in [round, round + 1] {
                    assert_eq!(tell(&mut primary, worker, &format!("close {number}")), "closed");
                }
            }
            leaves(&mut primary, worker);
        }),
        row(11, "dgram_1").primary(|mut primary| {
            let workers: [WorkerId; 4] = some(&mut primary);
            let ports = workers.map(|worker| tell(&mut primary, worker, "bind any:0"));
            assert!(ports.iter().all(|port| *port == ports[0]), "{ports:?}");
            each_receives_ten(&mut primary, workers, &ports[0]);
        }),
        row(12, "dgram_2").primary(|mut primary| {
            let workers: [WorkerId; 4] = some(&mut primary);
            let socket = receiver();
            let to = socket.local_addr().unwrap().port();
            for worker in workers {
                tell(&mut primary, worker, "bind any:0");
                assert_eq!(tell(&mut primary, worker, &format!("send 0 {to} 10")), "sent");
            }
            let mut from = BTreeSet::new();
            for _ in 0..40 {
                from.insert(socket.recv_from(&mut [0; 64]).unwrap().1);
            }
            assert_eq!(from.len(), 1, "all by one socket");
            primary.disconnect_all();
            assert!(primary.rest().iter().all(|it| !it.contains("unasked")));
        }),
        row(13, "dgram_bind_fd")
            .outside(|test| {
                let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                start_with_descriptor(test, &socket, socket.local_addr().unwrap().port());
            })
            .primary(|mut primary| {
                let workers: [WorkerId; 4] = some(&mut primary);
                let bind = format!("bind fd:{}", std::env::var("T_FD").unwrap());
                for worker in workers {
                    assert_ne!(tell(&mut primary, worker, &bind), "EINVAL");
                }
                each_receives_ten(&mut primary, workers, &std::env::var("T_PORT").unwrap());
            }),
        row(14, "dgram_ipv6only").needs(ipv6).primary(|mut primary| {
            let [worker] = some(&mut primary);
            let port = tell(&mut primary, worker, "bind [::]:0 only_v6");
            is_a_port(&port);
            assert_eq!(tell(&mut primary, worker, &format!("bind 0.0.0.0:{port}")), port);
        }),
        row(15, "dgram_reuse").primary(|mut primary| {
            let [worker] = some(&mut primary);
            let port = tell(&mut primary, worker, "bind 0.0.0.0:0 reuse_address");
            is_a_port(&port);
            let again = format!("bind 0.0.0.0:{port} reuse_address");
            assert_eq!(tell(&mut primary, worker, &again), port);
        }),
        row(16, "dgram_reuseport")
            .needs_in(NodeWorker, node::reuse_port)
            .primary(|primary| shares_without_asking(primary, "bind")),
        related("dgram_bind_shared_ports").primary(|mut primary| {
            let [one, two] = some(&mut primary);
            let port = tell(&mut primary, one, "bind 127.0.0.1:0");
            assert_eq!(tell(&mut primary, two, "bind 127.0.0.1:0"), port);
            tell(&mut primary, one, "close 0");
            tell(&mut primary, two, "close 0");
            let fixed = format!("bind 127.0.0.1:{port}");
            for worker in [one, two] {
                assert_eq!(tell(&mut primary, worker, &fixed), port);
            }
            let alone = tell(&mut primary, one, "bind 127.0.0.1:0 exclusive");
            assert_ne!(alone, port);
            let again = format!("bind 127.0.0.1:{alone} exclusive");
            assert_eq!(tell(&mut primary, two, &again), "EADDRINUSE");
        }),
        related("dgram_exclusive_implicit_bind").primary(|mut primary| {
            let workers: [WorkerId; 4] = some(&mut primary);
            let socket = receiver();
            let to = socket.local_addr().unwrap().port();
            for worker in &workers[..2] {
                tell(&mut primary, *worker, "bind any:0");
                tell(&mut primary, *worker, &format!("send 0 {to} 1"));
            }
            for worker in &workers[2..] {
                tell(&mut primary, *worker, &format!("send_unbound {to}"));
            }
            let from = [(); 4].map(|()| socket.recv_from(&mut [0; 64]).unwrap().1.port());
            assert_eq!(from.into_iter().collect::<BTreeSet<_>>().len(), 3, "{from:?}");
        }),
        related("dgram_cluster_close_in_listening")
            .primary(|mut primary| {
                let worker = one(&mut primary, "");
                leaves(&mut primary, worker);
            })
            .worker(|mut me, _| {
                drop(me.bind_udp("127.0.0.1:0").unwrap());
                me.send("ready").unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        related("dgram_cluster_bind_error").primary(|mut primary| {
            let [worker] = some(&mut primary);
            let taken = UdpSocket::bind("0.0.0.0:0").unwrap();
            let port = taken.local_addr().unwrap().port().to_string();
            let bind = format!("bind any:{port}");
            assert_eq!(tell(&mut primary, worker, &bind), "EADDRINUSE");
            drop(taken);
            assert_eq!(tell(&mut primary, worker, &bind), port);
        }),
        related("dgram_cluster_close_during_bind")
            .not_in(Rust, ONE_CALL)
            .not_in(NodePrimary, ONE_CALL)
            .primary(|mut primary| {
                let worker = one(&mut primary, "");
                primary.disconnect(worker);
                let told = primary.rest();
                assert!(!told.iter().any(|it| it.contains("Listening")), "{told:?}");
                assert_eq!(told.last().unwrap(), "worker 1 exits 0, voluntary");
            }),
        related("dgram_bind_socket_close_before_cluster_reply")
            .not_in(Rust, ONE_CALL)
            .not_in(NodePrimary, ONE_CALL)
            .primary(|mut primary| {
                let taken = UdpSocket::bind("0.0.0.0:0").unwrap();
                let port = taken.local_addr().unwrap().port().to_string();
                let worker = one(&mut primary, &port);
                leaves(&mut primary, worker);
            }),
        // Known of Node, and true of ours: a port got by 0 has another name than the same port by
        // number.
        related("dgram_bind_shared_ports_after_port_0").primary(|mut primary| {
            let [one, two] = some(&mut primary);
            let port = tell(&mut primary, one, "bind any:0");
            assert_eq!(tell(&mut primary, two, &format!("bind any:{port}")), "EADDRINUSE");
        }),
    ]
}

fn receiver() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket
}

/// Sends until each worker has seen ten, and has left.
fn each_receives_ten(primary: &mut Primary, workers: [WorkerId; 4], port: &str) {
    order(primary, &workers, "receive 0 10");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (deadline, mut left) = (Instant::now() + DEADLINE, workers.len());
    while left > 0 {
        assert!(Instant::now() < deadline, "{left} workers have not seen ten");
        // It fails when an earlier one found nobody.
        let _ = socket.send_to(b"datagram", local(port));
        match primary.next_event_before(Instant::now() + Duration::from_millis(1)).unwrap() {
            Some(Event::Message(worker, message)) => {
                assert_eq!(message.value().unwrap(), json!("10"));
                primary.disconnect(worker);
                left -= 1;
            }
            Some(Event::Exit { voluntary, .. }) => assert!(voluntary),
            _ => {}
        }
    }
    assert!(primary.rest().iter().all(|it| !it.contains("unasked")));
}
