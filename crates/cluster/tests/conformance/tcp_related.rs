//! The related tests that listen on TCP, and what Node has no test for.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use cluster::{Event, Primary, WorkerId, json};

use crate::harness::{Events, cpu_time};
use crate::node;
use crate::obeys::{one, some};
use crate::remote::{asks, meanwhile, tell};
use crate::row::Pairing::{NodePrimary, Rust};
use crate::row::{Row, ours, related};
use crate::steps::{connects, is_a_port, leaves, local, start_with_descriptor};

const ONE_CALL: &str = "`listen` returns when the answer is there: nothing can come in between";

pub fn rows() -> Vec<Row> {
    vec![
        related("net_listen_exclusive_random_ports").primary(|mut primary| {
            let workers: [WorkerId; 2] = some(&mut primary);
            let on = "listen 127.0.0.1:0 exclusive";
            let [one, two] = workers.map(|worker| tell(&mut primary, worker, on));
            is_a_port(&one);
            is_a_port(&two);
            assert_ne!(one, two);
        }),
        related("net_listen_shared_ports").primary(|mut primary| {
            let [one, two] = some(&mut primary);
            let port = tell(&mut primary, one, "listen 127.0.0.1:0");
            assert_eq!(tell(&mut primary, two, "listen 127.0.0.1:0"), port);
            let alone = tell(&mut primary, one, "listen 127.0.0.1:0 exclusive");
            let again = format!("listen 127.0.0.1:{alone} exclusive");
            assert_eq!(tell(&mut primary, two, &again), "EADDRINUSE");
        }),
        related("net_listen_handle_in_cluster_2")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let mut asked = false;
                let port = primary.until(|event| match event {
                    Event::Listening(..) => {
                        asked = true;
                        None
                    }
                    Event::Message(_, message) => message.text(),
                    _ => None,
                });
                is_a_port(&port);
                primary.disconnect(worker);
                let told = primary.rest();
                assert!(!asked && !told.iter().any(|it| it.contains("Listening")), "{told:?}");
            })
            .worker(|mut me, _| {
                let own = TcpListener::bind("127.0.0.1:0").unwrap();
                me.send(own.local_addr().unwrap().port().to_string()).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        related("listen_fd_cluster")
            .outside(|test| {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let port = listener.local_addr().unwrap().port();
                start_with_descriptor(test, &listener, port);
            })
            .primary(|mut primary| {
                let [worker] = some(&mut primary);
                let fd = std::env::var("T_FD").unwrap();
                assert_eq!(tell(&mut primary, worker, &format!("listen fd:{fd}")), "fd");
                let at = local(&std::env::var("T_PORT").unwrap());
                assert_eq!(asks(&mut primary, &at), "1");
                leaves(&mut primary, worker);
            }),
        related("net_listen_twice").not_in(Rust, ONE_CALL).not_in(NodePrimary, ONE_CALL).primary(
            |mut primary| {
                let worker = one(&mut primary, "");
                let port = primary.hears(worker).as_str().unwrap().to_owned();
                assert_ne!(asks(&mut primary, &local(&port)), "");
                primary.disconnect(worker);
                let told = primary.rest();
                assert_eq!(told.last().unwrap(), "worker 1 exits 0, voluntary");
            },
        ),
        related("net_server_close_before_ipc_response")
            .not_in(Rust, ONE_CALL)
            .not_in(NodePrimary, ONE_CALL)
            .primary(|mut primary| {
                let worker = one(&mut primary, "");
                assert_eq!(primary.hears(worker), json!("closed"));
                leaves(&mut primary, worker);
            }),
        related("http_server_drop_connections_in_cluster")
            .needs(node::reuse_port)
            .not_in(
                Rust,
                "a limit of Node's server; a program of ours closes what it does not want",
            )
            .not_in(NodePrimary, "as beside it")
            .primary(|mut primary| {
                let [worker] = some(&mut primary);
                let at = local(&tell(&mut primary, worker, "listen 127.0.0.1:0 max:1 drop"));
                let (_client, text) = connects(&mut primary, &at);
                assert_eq!(text, "1");
                assert_eq!(connects(&mut primary, &at).1, "", "hung up on");
            }),
        related("tls_ticket_cluster")
            .not_in(Rust, "no TLS here; the data is passed on for Node's sake")
            .not_in(NodePrimary, "as beside it")
            .primary(|mut primary| {
                let workers = [primary.fork().unwrap(), primary.fork().unwrap()];
                let mut keys = Vec::new();
                primary.until(|event| {
                    if let Event::Message(_, message) = event {
                        keys.push(message.text().unwrap());
                    }
                    (keys.len() == workers.len()).then_some(())
                });
                assert_eq!(keys[0].len(), 96);
                assert_eq!(keys[0], keys[1], "both have the keys of the first one");
            }),
        ours("cluster_eaddrinuse").primary(|mut primary| {
            let [worker] = some(&mut primary);
            let taken = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = taken.local_addr().unwrap().port().to_string();
            let listen = format!("listen 127.0.0.1:{port}");
            assert_eq!(tell(&mut primary, worker, &listen), "EADDRINUSE");
            drop(taken);
            assert_eq!(tell(&mut primary, worker, &listen), port);
        }),
        ours("when_all_workers_are_full_a_connection_waits_for_the_first_that_is_not")
            .not_in(NodePrimary, "a Node primary sends it round and round (nodejs/node #54882)")
            .primary(|mut primary| {
                let workers: [WorkerId; 2] = some(&mut primary);
                let on = "listen 127.0.0.1:0 max:1";
                let at = local(&workers.map(|worker| tell(&mut primary, worker, on))[0]);
                let (first, one) = connects(&mut primary, &at);
                let (_second, two) = connects(&mut primary, &at);
                assert_ne!(one, two);
                let third = meanwhile(&mut primary, {
                    let at = at.clone();
                    move || {
                        let mut third = TcpStream::connect(at).unwrap();
                        // It is parked. (In Node it makes some 700 rounds a second.)
                        third.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
                        third.read(&mut [0; 1]).unwrap_err();
                        third
                    }
                });
                let used = cpu_time();
                assert!(used < Duration::from_millis(200), "{used:?}");
                drop(first);
                let mut third = third;
                third.set_read_timeout(Some(crate::harness::DEADLINE)).unwrap();
                let text = meanwhile(&mut primary, move || {
                    let mut byte = [0];
                    third.read_exact(&mut byte).unwrap();
                    char::from(byte[0]).to_string()
                });
                assert_eq!(text, one);
            }),
        ours("a_plain_node_http_server_is_served")
            .not_in(Rust, "no Node in it")
            .not_in(NodePrimary, "no Node worker in it")
            .primary(node_http),
        ours("a_plain_node_http_server_is_served_on_a_shared_socket")
            .policy("none")
            .not_in(Rust, "no Node in it")
            .not_in(NodePrimary, "no Node worker in it")
            .primary(node_http),
    ]
}

fn node_http(mut primary: Primary) {
    primary.fork().unwrap();
    primary.fork().unwrap();
    let mut at = Vec::new();
    primary.until(|event| {
        if let Event::Listening(_, address) = event {
            at.push(format!("127.0.0.1:{}", address.port().unwrap()));
        }
        (at.len() == 2).then_some(())
    });
    assert_eq!(at[0], at[1]);
    for _ in 0..4 {
        let at = at[0].clone();
        let answer =
            meanwhile(&mut primary, move || crate::unix::get(TcpStream::connect(at).unwrap()));
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("hello"), "{answer}");
    }
    primary.disconnect_all();
    let told = primary.rest();
    assert_eq!(told.iter().filter(|it| it.ends_with("exits 0, voluntary")).count(), 2, "{told:?}");
}
