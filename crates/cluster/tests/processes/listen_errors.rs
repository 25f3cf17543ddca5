//! Why a worker cannot listen: it is told, with the address, in both policies, and the next try may
//! do better.

use std::net::TcpListener;

use cluster::{Event, Signal, WorkerEvent, json};
use nix::unistd::{Uid, seteuid};
use socket2::{Domain, Socket, Type};

use crate::harness::{Events, Test, in_both, plain, test};
use crate::leaks::open_files;
use crate::listening::{Directory, privileged_ports};
use crate::remote::{asks, fork_some, is_refused, obeys, order, tell, until_gone};

pub fn tests() -> Vec<Test> {
    let mut tests: Vec<Test> = [
        in_both("a_port_that_somebody_has_is_an_error_until_it_is_free", |mut primary| {
            let [one, two] = fork_some(&mut primary);
            let taken = TcpListener::bind("127.0.0.1:0").unwrap();
            let at = taken.local_addr().unwrap().to_string();
            let listen = format!("listen {at}");
            let in_use = format!("cannot listen on {at}: address already in use");
            for worker in [one, two, one] {
                assert_eq!(tell(&mut primary, worker, &listen), in_use);
            }
            drop(taken);
            for worker in [one, two] {
                assert_eq!(tell(&mut primary, worker, &listen), at);
            }
            order(&mut primary, &[two], "serve 0");
            tell(&mut primary, one, "close 0");
            assert_eq!(asks(&mut primary, &at), "worker 2");
        }),
        in_both("an_address_that_is_not_ours_is_an_error", |mut primary| {
            let [worker] = fork_some(&mut primary);
            let told = tell(&mut primary, worker, "listen 192.0.2.1:0");
            assert_eq!(told, "cannot listen on 192.0.2.1:0: cannot assign requested address");
        }),
        in_both("a_directory_that_does_not_exist_is_an_error_until_it_does", |mut primary| {
            let [worker] = fork_some(&mut primary);
            let directory = Directory::new();
            let path = directory.0.join("sub/socket");
            let listen = format!("listen unix {}", path.display());
            let told = tell(&mut primary, worker, &listen);
            let expected =
                format!("cannot listen on {}: no such file or directory", path.display());
            assert_eq!(told, expected);
            std::fs::create_dir(directory.0.join("sub")).unwrap();
            assert_eq!(tell(&mut primary, worker, &listen), path.display().to_string());
        }),
        in_both("a_path_that_is_too_long_is_an_error", |mut primary| {
            let [worker] = fork_some(&mut primary);
            let path = format!("/tmp/{}/s", "d".repeat(150));
            let told = tell(&mut primary, worker, &format!("listen unix {path}"));
            assert_eq!(told, format!("cannot listen on {path}: file name too long"));
        }),
        in_both("a_path_that_is_taken_is_an_error_and_stays", |mut primary| {
            let [worker] = fork_some(&mut primary);
            let directory = Directory::new();
            let path = directory.0.join("file");
            std::fs::write(&path, "precious").unwrap();
            let told = tell(&mut primary, worker, &format!("listen unix {}", path.display()));
            assert!(told.ends_with("address already in use"), "{told}");
            assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        }),
        in_both("a_port_for_root_is_an_error_for_others", |mut primary| {
            let [worker] = fork_some(&mut primary);
            seteuid(Uid::from_raw(65534)).unwrap(); // the primary binds, so its rights count
            let told = tell(&mut primary, worker, "listen 127.0.0.1:42");
            assert_eq!(told, "cannot listen on 127.0.0.1:42: permission denied");
            seteuid(Uid::from_raw(0)).unwrap();
        })
        .map(|test| test.needs(privileged_ports)),
        in_both("the_second_listener_of_a_worker_on_one_port_is_an_error", |mut primary| {
            let [one, two] = fork_some(&mut primary);
            let at = tell(&mut primary, one, "listen 127.0.0.1:0");
            tell(&mut primary, one, "close 0");
            let listen = format!("listen {at}");
            assert_eq!(tell(&mut primary, one, &listen), at);
            for _ in 0..2 {
                assert!(tell(&mut primary, one, &listen).ends_with("address already in use"));
            }
            assert_eq!(tell(&mut primary, two, &listen), at);
            // Node 20 cannot do this (nodejs/node #60086): all close, and the other one opens it
            // again.
            tell(&mut primary, one, "close 1");
            tell(&mut primary, two, "close 0");
            assert_eq!(tell(&mut primary, two, &listen), at);
            assert_eq!(tell(&mut primary, one, &listen), at);
        }),
        in_both("a_worker_that_is_leaving_cannot_listen_and_does_not_hang", |mut primary| {
            let worker = primary.fork().unwrap();
            primary.waits_until_online(1);
            primary.disconnect(worker);
            until_gone(&mut primary, worker);
        })
        .map(|test| {
            test.worker(|mut me, _| {
                let event = me.next_event().unwrap();
                assert!(matches!(event, Some(WorkerEvent::Disconnect)));
                assert!(me.listen("127.0.0.1:0").is_err());
                while me.next_event().unwrap().is_some() {}
                assert!(me.listen("127.0.0.1:0").is_err());
            })
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    tests.push(
        test("a_port_that_is_seen_to_be_taken_only_at_listen_is_an_error_until_it_is_free")
            .policy("none")
            .primary(|mut primary| {
                // Two sockets may be bound to one port (SO_REUSEADDR); the second listen(2) fails.
                let other = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                other.set_reuse_address(true).unwrap();
                let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
                other.bind(&any.into()).unwrap();
                let at = other.local_addr().unwrap().as_socket().unwrap();
                let holds = primary.fork_with(plain(&at.port().to_string())).unwrap();
                assert_eq!(primary.hears(holds), json!("holds"));
                other.listen(1).unwrap();
                let [worker] = fork_some(&mut primary);
                let listen = format!("listen {at}");
                let told = tell(&mut primary, worker, &listen);
                assert_eq!(told, format!("cannot listen on {at}: address already in use"));
                drop(other);
                assert_eq!(tell(&mut primary, worker, &listen), at.to_string());
                primary.kill(holds, Signal::SIGKILL).unwrap();
                until_gone(&mut primary, holds);
                order(&mut primary, &[worker], "accept 0");
                assert_eq!(asks(&mut primary, &at.to_string()), worker.to_string());
            })
            .plain(crate::raw::only_asks)
            .worker(obeys),
    );
    tests.push(
        test("a_worker_that_wants_the_other_mode_is_told_and_holds_nothing")
            .policy("none")
            .primary(|mut primary| {
                let before = open_files();
                for (first, second, is) in
                    [("", " blocking", "non-blocking"), (" blocking", "", "blocking")]
                {
                    let [one, two] = fork_some(&mut primary);
                    let at = tell(&mut primary, one, &format!("listen 127.0.0.1:0{first}"));
                    let told = tell(&mut primary, two, &format!("listen 127.0.0.1:0{second}"));
                    // It is told where it wanted to listen.
                    let expected = format!("the listener on 127.0.0.1:0 is in {is} mode");
                    assert_eq!(told, expected);
                    let same = tell(&mut primary, two, &format!("listen 127.0.0.1:0{first}"));
                    assert_eq!(same, at);
                    tell(&mut primary, two, "close 0");
                    tell(&mut primary, one, "close 0");
                    assert!(is_refused(&at));
                    primary.disconnect_all();
                    let mut gone = 0;
                    primary.until(|event| {
                        gone += usize::from(matches!(event, Event::Exit { .. }));
                        (gone == 2).then_some(())
                    });
                }
                assert_eq!(open_files(), before);
            })
            .worker(obeys),
    );
    tests
}
