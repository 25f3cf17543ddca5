//! Where workers listen, and that it is one place for all of them.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use cluster::{Address, Event, Primary, State};

use crate::harness::{Events, Test, in_both};
use crate::remote::{asks, fork_serving, fork_some, is_refused, order, tell, until_gone};

pub fn tests() -> Vec<Test> {
    let tests = vec![
        in_both("workers_listen_on_ipv4_and_unix", |mut primary| {
            let directory = Directory::new();
            let path = directory.0.join("socket");
            for on in ["127.0.0.1:0".into(), format!("unix {}", path.display())] {
                serves(&mut primary, &on);
            }
            assert!(!path.exists());
        }),
        in_both("workers_listen_on_ipv6", |mut primary| serves(&mut primary, "[::1]:0"))
            .map(|test| test.needs(ipv6)),
        in_both("any_address_means_ipv4_too", |mut primary| {
            let (_, at) = fork_serving::<1>(&mut primary, "any 0");
            let port = at.strip_prefix("port ").unwrap();
            assert_eq!(asks(&mut primary, &format!("127.0.0.1:{port}")), "worker 1");
            if ipv6().is_ok() {
                assert_eq!(asks(&mut primary, &format!("[::1]:{port}")), "worker 1");
            }
        }),
        in_both("port_0_is_the_same_port_for_all_and_a_second_one_another", |mut primary| {
            let [one, two] = fork_some(&mut primary);
            let ports = [one, two]
                .map(|worker| [0, 1].map(|_| tell(&mut primary, worker, "listen 127.0.0.1:0")));
            assert_eq!(ports[0], ports[1]);
            assert_ne!(ports[0][0], ports[0][1]);
            order(&mut primary, &[one], "serve 0");
            order(&mut primary, &[two], "serve 1");
            assert_eq!(asks(&mut primary, &ports[0][0]), "worker 1");
            assert_eq!(asks(&mut primary, &ports[0][1]), "worker 2");
        }),
        in_both(
            "a_worker_that_closed_all_and_listens_again_is_back_on_the_port_of_the_others",
            |mut primary| {
                let [one, two] = fork_some(&mut primary);
                let on = "listen 127.0.0.1:0";
                let first = tell(&mut primary, one, on);
                assert_eq!(tell(&mut primary, two, on), first);
                for round in 0..3 {
                    tell(&mut primary, two, &format!("close {round}"));
                    assert_eq!(tell(&mut primary, two, on), first);
                }
                // On a number that is known, it is the same again and again.
                let fixed = format!("listen {first}");
                assert!(tell(&mut primary, two, &fixed).contains("in use"));
                tell(&mut primary, one, "close 0");
                tell(&mut primary, two, "close 3");
                assert!(is_refused(&first));
                assert_eq!(tell(&mut primary, two, &fixed), first);
                assert_eq!(tell(&mut primary, one, &fixed), first);
                order(&mut primary, &[one], "serve 1");
                order(&mut primary, &[two], "close 4");
                assert_eq!(asks(&mut primary, &first), "worker 1");
            },
        ),
        in_both("the_last_listener_that_closes_on_purpose_closes_the_socket", |mut primary| {
            let directory = Directory::new();
            let path = directory.0.join("socket");
            for on in ["127.0.0.1:0".into(), format!("unix {}", path.display())] {
                let ([stays, leaves, asked], at) = fork_serving::<3>(&mut primary, &on);
                primary.disconnect(asked);
                until_gone(&mut primary, asked);
                primary.disconnect(leaves);
                until_gone(&mut primary, leaves);
                assert_eq!(asks(&mut primary, &at), stays.to_string());
                primary.disconnect(stays);
                until_gone(&mut primary, stays);
                assert!(is_refused(&at));
            }
            assert!(!path.exists());
        }),
        in_both("the_primary_is_told_who_listens_and_where", |mut primary| {
            let directory = Directory::new();
            let path = directory.0.join("socket");
            let [worker] = fork_some(&mut primary);
            for on in ["127.0.0.1:0".into(), "any 0".into(), format!("unix {}", path.display())] {
                primary.send(worker, format!("listen {on}")).unwrap();
                let told = primary.until(|event| match event {
                    Event::Listening(who, address) => Some((who, address)),
                    _ => None,
                });
                assert_eq!(primary.state(worker), State::Listening);
                let said = primary.hears(worker);
                assert_eq!((told.0, told.1.to_string()), (worker, said.as_str().unwrap().into()));
                match told.1 {
                    Address::Unix(told) => assert_eq!(told, path),
                    tcp => assert!(tcp.port().unwrap() > 0),
                }
            }
        }),
        in_both("ipv6_only_leaves_the_ipv4_port_free", |mut primary| {
            let (_, at) = fork_serving::<2>(&mut primary, "[::]:0 only_v6");
            let port = at.strip_prefix("[::]:").unwrap();
            assert!(asks(&mut primary, &format!("[::1]:{port}")).starts_with("worker"));
            TcpListener::bind(format!("0.0.0.0:{port}")).unwrap();
        })
        .map(|test| test.needs(ipv6)),
        in_both("a_relative_unix_path_counts_from_where_the_worker_is", |mut primary| {
            let directory = Directory::new();
            primary.setup(cluster::Settings::new().cwd(&directory.0));
            let (_, at) = fork_serving::<2>(&mut primary, "unix a.socket");
            assert_eq!(at, directory.0.join("a.socket").display().to_string());
            assert!(asks(&mut primary, &at).starts_with("worker"));
        }),
        in_both("a_path_too_long_for_a_socket_works_from_nearby", |mut primary| {
            let directory = Directory::new();
            let long = directory.0.join("d".repeat(100));
            std::fs::create_dir_all(&long).unwrap();
            std::env::set_current_dir(&long).unwrap();
            let ([worker], at) = fork_serving(&mut primary, "unix s");
            assert!(at.len() > 107);
            assert_eq!(asks(&mut primary, "s"), "worker 1"); // clients have the same limit
            primary.disconnect(worker);
            until_gone(&mut primary, worker);
            assert!(!long.join("s").exists());
        }),
    ];
    tests.into_iter().flatten().collect()
}

/// Workers serve there, all of them, and are asked to leave.
fn serves(primary: &mut Primary, on: &str) {
    let (workers, at) = fork_serving::<2>(primary, on);
    for worker in workers {
        assert!(asks(primary, &at).starts_with("worker"));
        primary.disconnect(worker);
        until_gone(primary, worker);
    }
    assert!(is_refused(&at));
}

/// A directory for sockets, gone at the end.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new() -> Directory {
        static COUNT: AtomicU32 = AtomicU32::new(0); // tests are threads of one process
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("cluster-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

pub fn ipv6() -> Result<(), String> {
    TcpListener::bind("[::1]:0").map(drop).map_err(|error| format!("needs IPv6: {error}"))
}

/// Whether there is a port that only root may bind, and this is root.
pub fn privileged_ports() -> Result<(), String> {
    let first = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let first: u16 = first.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024);
    match first {
        0..=42 => Err("needs port 42 to be for root alone".into()),
        _ if !nix::unistd::Uid::effective().is_root() => Err("needs root".into()),
        _ => Ok(()),
    }
}
