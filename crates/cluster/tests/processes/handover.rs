//! Workers that do not keep their side of handing over: whatever they do, the client gets an answer
//! or an end.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

use cluster::{Event, Primary, Signal, WorkerId, json};

use crate::harness::{DEADLINE, Events, Test, cpu_time, plain, test};
use crate::leaks::open_files;
use crate::raw::misbehaves;
use crate::remote::{asks, fork_some, meanwhile, obeys, order, tell, until_gone};

pub fn tests() -> Vec<Test> {
    let tests = vec![
        test("a_worker_that_dies_before_it_acknowledges_a_connection_loses_it_to_another")
            .primary(|primary| goes_to_the_good_one(primary, "dies before ack")),
        test("a_worker_that_dies_before_it_accepts_a_connection_loses_it_to_another")
            .primary(|primary| goes_to_the_good_one(primary, "dies after ack")),
        test("a_worker_that_refuses_a_connection_loses_it_to_another")
            .primary(|primary| goes_to_the_good_one(primary, "refuses")),
        test("a_worker_that_refuses_a_connection_as_node_does_loses_it_to_another")
            .primary(|primary| goes_to_the_good_one(primary, "refuses as node")),
        test("a_worker_that_never_receives_a_socket_loses_the_connection_to_another")
            .primary(|primary| goes_to_the_good_one(primary, "always nacks")),
        test("a_worker_that_closes_while_a_connection_is_under_way_loses_it_to_another")
            .primary(|primary| goes_to_the_good_one(primary, "closes and refuses")),
        test("a_worker_that_hangs_up_while_a_connection_is_under_way_loses_it_to_another")
            .primary(|primary| goes_to_the_good_one(primary, "hangs up")),
        test("a_worker_that_takes_nothing_any_more_loses_a_connection_to_another")
            .primary(|primary| goes_to_the_good_one(primary, "reads no more")),
        test("a_socket_that_was_lost_once_is_sent_again").primary(|mut primary| {
            let (bad, at) = fork_bad(&mut primary, "nacks once");
            assert_eq!(asks(&mut primary, &at), "bad worker");
            ends(&mut primary, bad);
        }),
        test("a_worker_that_lost_a_socket_gets_the_connection_after_a_rest").primary(
            |mut primary| {
                let (bad, at) = fork_bad(&mut primary, "nacks four times");
                assert_eq!(asks(&mut primary, &at), "bad worker");
                ends(&mut primary, bad);
            },
        ),
        test("a_worker_that_always_refuses_is_not_asked_without_end").primary(|mut primary| {
            let (bad, at) = fork_bad(&mut primary, "refuses as node");
            let before = cpu_time();
            let client = meanwhile(&mut primary, move || {
                let mut client = TcpStream::connect(at).unwrap();
                client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
                let nothing = client.read(&mut [0]).unwrap_err();
                assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
                client
            });
            assert!(cpu_time() - before < Duration::from_millis(60));
            ends(&mut primary, bad);
            assert!(primary.next_event().unwrap().is_none());
            assert!(ended(client), "nobody is left to serve it");
        }),
        test("a_worker_that_never_answers_keeps_one_client_waiting_and_no_other").primary(
            |mut primary| {
                let (bad, at) = fork_bad(&mut primary, "never answers");
                let mut waits = TcpStream::connect(&at).unwrap();
                assert_eq!(primary.hears(bad), json!("has it"));
                let good = fork_good(&mut primary);
                for _ in 0..20 {
                    assert_eq!(asks(&mut primary, &at), good.to_string());
                }
                primary.kill(bad, Signal::SIGKILL).unwrap();
                let mut text = String::new();
                let served = meanwhile(&mut primary, move || {
                    waits.set_read_timeout(Some(DEADLINE)).unwrap();
                    waits.read_to_string(&mut text).map(|_| text)
                });
                assert_eq!(served.unwrap(), good.to_string());
            },
        ),
        test("an_answer_for_a_connection_that_another_worker_has_changes_nothing").primary(
            |mut primary| {
                let (bad, at) = fork_bad(&mut primary, "claims what is not its own");
                assert_eq!(primary.hears(bad), json!("claimed"));
                let good = fork_good(&mut primary);
                for _ in 0..20 {
                    assert_eq!(asks(&mut primary, &at), good.to_string());
                }
                ends(&mut primary, bad);
            },
        ),
        test("a_listener_that_the_last_worker_closes_closes_what_is_under_way").primary(
            |mut primary| {
                let (bad, at) = fork_bad(&mut primary, "closes and refuses");
                let client = TcpStream::connect(at).unwrap();
                assert!(meanwhile(&mut primary, || ended(client)));
                ends(&mut primary, bad);
            },
        ),
    ];
    tests.into_iter().map(|test| test.worker(obeys).plain(misbehaves)).collect()
}

/// A bad worker gets the connection; a good one waits behind it.
fn goes_to_the_good_one(mut primary: Primary, how: &str) {
    let before = open_files();
    for round in 0..3 {
        let (bad, at) = fork_bad(&mut primary, how);
        let good = fork_good(&mut primary);
        let used = cpu_time();
        assert_eq!(asks(&mut primary, &at), good.to_string(), "round {round}");
        assert!(cpu_time() - used < Duration::from_millis(200));
        ends(&mut primary, good);
        ends(&mut primary, bad);
        assert!(primary.next_event().unwrap().is_none());
        assert_eq!(open_files(), before);
    }
}

fn ends(primary: &mut Primary, worker: WorkerId) {
    primary.kill(worker, Signal::SIGKILL).unwrap();
    if primary.workers().any(|it| it == worker) {
        until_gone(primary, worker);
    }
}

fn fork_good(primary: &mut Primary) -> WorkerId {
    let [good] = fork_some(primary);
    tell(primary, good, "listen 127.0.0.1:0");
    order(primary, &[good], "serve 0");
    good
}

/// The worker says where it listens when it has told the primary that it waits for connections.
fn fork_bad(primary: &mut Primary, how: &str) -> (WorkerId, String) {
    let worker = primary.fork_with(plain(how)).unwrap();
    let address = primary.until(|event| match event {
        Event::Message(_, message) => message.text(),
        _ => None,
    });
    (worker, address)
}

/// Whether the connection comes to its end without an answer.
fn ended(mut client: TcpStream) -> bool {
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    match client.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
    }
}
