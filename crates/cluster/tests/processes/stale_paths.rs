//! Unix paths that somebody left behind who was killed, and those that only look like it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;

use cluster::{Primary, Signal};
use nix::unistd::Uid;

use crate::harness::{Program, Test, in_both};
use crate::listening::Directory;
use crate::remote::{ask, asks, fork_serving, fork_some, order, tell};
use crate::rights::root;

pub fn tests() -> Vec<Test> {
    let mut tests = in_both("the_path_of_a_primary_that_was_killed_is_served_by_the_next", serves)
        .map(|test| {
            test.outside(|test| {
                let directory = Directory::new();
                let path = directory.0.join("socket");
                let (mut first, said) = start(test, &path);
                assert_eq!(said, path.display().to_string());
                first.is_sent(Signal::SIGKILL);
                first.ends();
                first.and_all_it_started_are_gone_within(crate::harness::DEADLINE);
                assert!(path.exists(), "it could not unlink it");
                let (mut second, said) = start(test, &path);
                assert_eq!(said, path.display().to_string());
                assert_eq!(ask(&said).unwrap(), "worker 1");
                second.is_told("end");
                second.succeeds();
            })
        })
        .to_vec();
    tests.extend(in_both("the_path_of_a_primary_that_lives_stays_its_own", serves).map(|test| {
        test.outside(|test| {
            let directory = Directory::new();
            let path = directory.0.join("socket");
            let (mut first, at) = start(test, &path);
            let (mut second, said) = start(test, &path);
            assert_eq!(said, format!("cannot listen on {at}: address already in use"));
            assert_eq!(ask(&at).unwrap(), "worker 1");
            for program in [&mut second, &mut first] {
                program.is_told("end");
                program.succeeds();
            }
        })
    }));
    tests.extend(in_both("who_is_bound_and_does_not_listen_yet_keeps_its_path", |mut primary| {
        let [worker] = fork_some(&mut primary);
        let directory = Directory::new();
        let path = directory.0.join("socket");
        let bound =
            socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        bound.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
        assert!(is_taken(&mut primary, worker, &path));
        bound.listen(1).unwrap();
        assert!(is_taken(&mut primary, worker, &path));
        drop(bound);
        assert!(!is_taken(&mut primary, worker, &path));
    }));
    tests.extend(in_both(
        "the_second_listener_of_a_worker_does_not_take_the_path_of_the_first",
        |mut primary| {
            let [worker] = fork_some(&mut primary);
            let directory = Directory::new();
            let path = directory.0.join("socket");
            assert!(!is_taken(&mut primary, worker, &path));
            assert!(is_taken(&mut primary, worker, &path));
            order(&mut primary, &[worker], "serve 0");
            assert_eq!(asks(&mut primary, path.to_str().unwrap()), worker.to_string());
        },
    ));
    tests.extend(in_both(
        "a_path_that_is_left_and_no_stream_socket_that_was_ours_stays",
        |mut primary| {
            let [worker] = fork_some(&mut primary);
            let directory = Directory::new();
            let place = |name: &str| directory.0.join(name);
            drop(UnixListener::bind(place("left")).unwrap());
            symlink("left", place("link")).unwrap();
            fs::create_dir(place("folder")).unwrap();
            let full =
                socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
            full.bind(&socket2::SockAddr::unix(place("full")).unwrap()).unwrap();
            let _datagrams = UnixDatagram::bind(place("datagrams")).unwrap();
            for stays in ["link", "folder", "full", "datagrams"] {
                assert!(is_taken(&mut primary, worker, &place(stays)), "{stays}");
                assert!(place(stays).symlink_metadata().is_ok());
            }
            assert!(place("left").metadata().unwrap().file_type().is_socket());
            assert!(!is_taken(&mut primary, worker, &place("left")));
        },
    ));
    tests.extend(
        in_both("a_path_that_another_user_left_stays", |mut primary| {
            let [worker] = fork_some(&mut primary);
            let directory = Directory::new();
            let path = directory.0.join("socket");
            drop(UnixListener::bind(&path).unwrap());
            nix::unistd::chown(&path, Some(Uid::from_raw(12345)), None).unwrap();
            assert!(is_taken(&mut primary, worker, &path));
            nix::unistd::chown(&path, Some(Uid::effective()), None).unwrap();
            assert!(!is_taken(&mut primary, worker, &path));
        })
        .map(|test| test.needs(root)),
    );
    tests.extend(in_both(
        "a_stale_path_of_more_bytes_than_an_address_has_is_served_again",
        |mut primary| {
            let directory = Directory::new();
            let long = directory.0.join("d".repeat(100));
            fs::create_dir(&long).unwrap();
            std::env::set_current_dir(&long).unwrap();
            // It is bound by a relative name. Only who has another one is told apart.
            let name = format!("socket-{}", std::process::id());
            drop(UnixListener::bind(&name).unwrap());
            let path = long.join(&name).display().to_string();
            let (_, at) = fork_serving::<2>(&mut primary, &format!("unix {path}"));
            assert_eq!(at, path);
            assert!(asks(&mut primary, &name).starts_with("worker"));
        },
    ));
    tests
}

/// A primary whose worker serves on the path that it is told; it says where that is, or why not.
fn serves(mut primary: Primary) {
    let mut path = String::new();
    std::io::stdin().read_line(&mut path).unwrap();
    let [worker] = fork_some(&mut primary);
    let said = tell(&mut primary, worker, &format!("listen unix {}", path.trim_end()));
    let listens = said == path.trim_end();
    if listens {
        order(&mut primary, &[worker], "serve 0");
    }
    println!("{said}");
    crate::remote::meanwhile(&mut primary, || {
        std::io::stdin().read_line(&mut String::new()).unwrap();
    });
}

fn start(test: &Test, path: &Path) -> (Program, String) {
    let mut program = test.start();
    program.is_told(&path.display().to_string());
    let said = program.line();
    (program, said)
}

/// Whether the worker cannot listen there because somebody else does.
fn is_taken(primary: &mut Primary, worker: cluster::WorkerId, path: &Path) -> bool {
    let said = tell(primary, worker, &format!("listen unix {}", path.display()));
    assert!(
        said == path.display().to_string() || said.ends_with("address already in use"),
        "{said}"
    );
    said != path.display().to_string()
}
