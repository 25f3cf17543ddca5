//! One TCP port, many workers.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use cluster::{Address, Event, Primary, WorkerId};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::harness::Events;
use crate::listening::ipv6;
use crate::node;
use crate::obeys::some;
use crate::remote::{asks, is_refused, meanwhile, order, tell, until_gone};
use crate::row::Pairing::{NodePrimary, NodeWorker};
use crate::row::{Row, row};
use crate::steps::{connects, is_a_port, leaves, local, shares_without_asking};

pub fn rows() -> Vec<Row> {
    vec![
        row(1, "accept_fail")
            .primary(|mut primary| {
                let [worker] = some(&mut primary);
                let at = local(&tell(&mut primary, worker, "listen 127.0.0.1:0"));
                // No descriptor is left for the connection.
                let kind = (socket2::Domain::IPV4, socket2::Type::STREAM);
                let client = socket2::Socket::new(kind.0, kind.1, None).unwrap();
                let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
                setrlimit(Resource::RLIMIT_NOFILE, 64, hard).unwrap();
                let files = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok());
                let files: Vec<_> = files.collect();
                client.connect(&at.parse::<SocketAddr>().unwrap().into()).unwrap();
                assert_eq!(tell(&mut primary, worker, "echo alive"), "alive");
                drop(files);
                setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
                // In Node that client is hung up on; here it is served when there is a descriptor
                // again.
                let mut text = String::new();
                let mut client = TcpStream::from(client);
                let text = meanwhile(&mut primary, move || {
                    client.read_to_string(&mut text).unwrap();
                    text
                });
                assert_eq!(text, "1");
            })
            .not_in(NodePrimary, "accepting is all Node's there"),
        row(8, "child_index_net").primary(|mut primary| {
            let [worker] = some(&mut primary);
            for round in [0, 2, 4] {
                for _ in 0..2 {
                    is_a_port(&tell(&mut primary, worker, "listen 127.0.0.1:0"));
                }
                for number in [round, round + 1] {
                    assert_eq!(tell(&mut primary, worker, &format!("close {number}")), "closed");
                }
            }
            leaves(&mut primary, worker);
        }),
        row(25, "disconnect").primary(|mut primary| {
            for _ in 0..2 {
                let workers: [WorkerId; 8] = some(&mut primary);
                let [first, second] = [0, 1].map(|_| {
                    let ports = workers.map(|it| tell(&mut primary, it, "listen 127.0.0.1:0"));
                    assert!(ports.iter().all(|port| *port == ports[0]), "{ports:?}");
                    local(&ports[0])
                });
                assert_ne!(first, second);
                for at in [&first, &second] {
                    assert_ne!(asks(&mut primary, at), "");
                }
                primary.disconnect_all();
                let told = primary.rest();
                let ends = told.iter().filter(|it| it.ends_with("exits 0, voluntary"));
                assert_eq!(ends.count(), 8);
                assert!(is_refused(&first) && is_refused(&second));
            }
        }),
        row(37, "listening_port").primary(|mut primary| {
            let [worker] = some(&mut primary);
            primary.send(worker, "listen 127.0.0.1:0").unwrap();
            let at = primary.until(|event| match event {
                Event::Listening(_, Address::Tcp(at)) => Some(at),
                _ => None,
            });
            assert_eq!(asks(&mut primary, &at.to_string()), "1");
        }),
        row(39, "net_listen_backlog").primary(|mut primary| {
            let [worker] = some(&mut primary);
            let at = local(&tell(&mut primary, worker, "listen 127.0.0.1:0 backlog:3"));
            // While the primary does not look, the kernel keeps three, and one more: listen(2).
            let at = at.parse().unwrap();
            let _kept = [(); 4].map(|()| TcpStream::connect(at).unwrap());
            TcpStream::connect_timeout(&at, Duration::from_millis(300)).unwrap_err();
        }),
        row(40, "net_listen_ipv6only_false").needs(ipv6).primary(|mut primary| {
            let workers: [WorkerId; 3] = some(&mut primary);
            let ports = workers.map(|worker| tell(&mut primary, worker, "listen [::]:0"));
            assert!(ports.iter().all(|port| *port == ports[0]), "{ports:?}");
            assert_ne!(asks(&mut primary, &local(&ports[0])), "");
        }),
        row(42, "net_listen").primary(|mut primary| {
            let [worker] = some(&mut primary);
            let at = local(&tell(&mut primary, worker, "listen any:0"));
            assert_eq!(asks(&mut primary, &at), "1");
            leaves(&mut primary, worker);
        }),
        row(43, "net_reuseport")
            .needs_in(NodeWorker, node::reuse_port)
            .primary(|primary| shares_without_asking(primary, "listen")),
        row(57, "server_restart_none").policy("none").primary(restarts),
        row(58, "server_restart_rr").primary(restarts),
        row(66, "shared_leak").policy("none").primary(|mut primary| {
            let workers: [WorkerId; 2] = some(&mut primary);
            let on = "listen 127.0.0.1:0 max:9";
            let ports = workers.map(|worker| tell(&mut primary, worker, on));
            assert_eq!(ports[0], ports[1]);
            let (client, _) = connects(&mut primary, &local(&ports[0]));
            primary.disconnect_all();
            drop(client);
            let told = primary.rest();
            let ends = told.iter().filter(|it| it.ends_with("exits 0, voluntary"));
            assert_eq!(ends.count(), 2, "{told:?}");
        }),
        row(85, "net_listen_ipv6only_none").needs(ipv6).policy("none").primary(only_v6),
        row(86, "net_listen_ipv6only_rr").needs(ipv6).primary(only_v6),
        row(87, "port_reuse_between_workers")
            .needs_in(NodePrimary, node::one_key_for_a_port)
            .primary(|mut primary| {
                let [one, two] = some(&mut primary);
                let port = tell(&mut primary, one, "listen 127.0.0.1:0");
                tell(&mut primary, one, "close 0");
                let listen = format!("listen 127.0.0.1:{port}");
                assert_eq!(tell(&mut primary, one, &listen), port);
                assert_eq!(tell(&mut primary, one, &listen), "EADDRINUSE");
                tell(&mut primary, one, "close 1");
                assert_eq!(tell(&mut primary, two, &listen), port);
                assert_eq!(tell(&mut primary, one, &listen), port);
            }),
    ]
}

fn restarts(mut primary: Primary) {
    let [one, two] = some(&mut primary);
    let port = tell(&mut primary, one, "listen 127.0.0.1:0");
    assert_eq!(tell(&mut primary, two, "listen 127.0.0.1:0"), port);
    tell(&mut primary, two, "close 0");
    assert_eq!(tell(&mut primary, two, "listen 127.0.0.1:0"), port);
    order(&mut primary, &[two], "leave");
    until_gone(&mut primary, two);
    assert_eq!(asks(&mut primary, &local(&port)), "1");
    leaves(&mut primary, one);
}

fn only_v6(mut primary: Primary) {
    let workers: [WorkerId; 2] = some(&mut primary);
    let mut places = Vec::new();
    let mut ports = Vec::new();
    for worker in workers {
        primary.send(worker, "listen [::]:0 only_v6").unwrap();
        let (mut told, mut said) = (false, false);
        primary.until(|event| {
            match event {
                Event::Listening(_, at) => {
                    told = true;
                    places.push(at);
                }
                Event::Message(_, message) => {
                    said = true;
                    ports.push(message.text().unwrap());
                }
                _ => {}
            }
            (told && said).then_some(())
        });
    }
    assert_eq!(places[0], places[1]);
    assert_eq!(places[0].to_string(), format!("[::]:{}", ports[0]));
    TcpListener::bind(format!("0.0.0.0:{}", ports[0])).unwrap();
    assert_ne!(asks(&mut primary, &format!("[::1]:{}", ports[0])), "");
    primary.disconnect_all();
}
