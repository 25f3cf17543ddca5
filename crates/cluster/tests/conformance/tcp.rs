//! One TCP port, many workers.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use cluster::{Address, Event, Primary, WorkerId, json};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::harness::{Events, Test};
use crate::listening::ipv6;
use crate::node;
use crate::obeys::{one, some};
use crate::remote::{asks, is_refused, meanwhile, order, tell, until_gone};
use crate::row::Pairing::{NodePrimary, NodeWorker, Rust};
use crate::row::{Row, ours, related, row};

const ONE_CALL: &str = "`listen` returns when the answer is there: nothing can come in between";

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
                // In Node that client is hung up on; here it is served when there is a descriptor again.
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
                    Event::Message(_, message) => message.as_str().map(str::to_owned),
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
                        keys.push(message.as_str().unwrap().to_owned());
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

pub fn local(port: &str) -> String {
    is_a_port(port);
    format!("127.0.0.1:{port}")
}

pub fn is_a_port(text: &str) {
    assert!(text.parse::<u16>().is_ok_and(|port| port > 0), "{text}");
}

/// Asks the worker to leave; it ends with 0.
pub fn leaves(primary: &mut Primary, worker: WorkerId) {
    primary.disconnect(worker);
    let end = primary.until(|event| match event {
        Event::Exit { worker: it, exit, voluntary } if it == worker => Some((exit, voluntary)),
        _ => None,
    });
    assert_eq!(end, (cluster::Exit::Code(0), true));
}

/// A client that stays, and the first thing that it reads; nothing if it was hung up on.
fn connects(primary: &mut Primary, at: &str) -> (TcpStream, String) {
    let at = at.to_owned();
    meanwhile(primary, move || {
        let mut client = TcpStream::connect(at).unwrap();
        client.set_read_timeout(Some(crate::harness::DEADLINE)).unwrap();
        let mut byte = [0];
        let count = client.read(&mut byte).unwrap_or(0);
        (client, byte[..count].iter().map(|&it| char::from(it)).collect())
    })
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
                    ports.push(message.as_str().unwrap().to_owned());
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

/// Two sockets of one worker on one port, and the primary hears nothing of them.
pub fn shares_without_asking(mut primary: Primary, verb: &str) {
    let [worker] = some(&mut primary);
    let mut told = Vec::new();
    let mut tell = |order: String| {
        primary.send(worker, order).unwrap();
        primary.until(|event| match event {
            Event::Message(_, message) => Some(message.as_str().unwrap().to_owned()),
            other => {
                told.extend(crate::harness::in_short(&other));
                None
            }
        })
    };
    let port = tell(format!("{verb} 127.0.0.1:0 reuse_port"));
    is_a_port(&port);
    assert_eq!(tell(format!("{verb} 127.0.0.1:{port} reuse_port")), port);
    // They are the worker's own, and would keep a Node worker after its disconnect.
    for number in [0, 1] {
        assert_eq!(tell(format!("close {number}")), "closed");
    }
    assert!(told.is_empty(), "{told:?}");
    leaves(&mut primary, worker);
}

/// Starts the primary with a socket that it has open under the same number as we do.
pub fn start_with_descriptor(test: &Test, socket: &impl AsFd, port: u16) {
    let close_on_exec = |flags| rustix::io::fcntl_setfd(socket, flags).unwrap();
    close_on_exec(rustix::io::FdFlags::empty());
    let mut program = test.start_changed(|command| {
        command.env("T_FD", socket.as_fd().as_raw_fd().to_string());
        command.env("T_PORT", port.to_string());
    });
    close_on_exec(rustix::io::FdFlags::CLOEXEC);
    program.succeeds();
}

pub fn cpu_time() -> Duration {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).unwrap();
    [usage.user_time(), usage.system_time()]
        .map(|time| Duration::from_micros(time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64))
        .iter()
        .sum()
}
