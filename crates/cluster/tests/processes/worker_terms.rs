//! What a worker and a primary of ours tell each other beyond Node's protocol, byte by byte: the
//! other side is written by hand.

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;

use cluster::{Error, SchedulingPolicy, WorkerEvent, json};
use socket2::{Domain, Socket, Type};

use crate::harness::{Test, test};
use crate::raw_primary::{KEY, OURS, RawPrimary, with_socket};

pub fn tests() -> Vec<Test> {
    vec![
        test("a_worker_tells_a_primary_of_ours_what_it_is_and_what_its_program_took")
            .primary(|_| {
                let mut raw = RawPrimary::forks("", Some("8388608 4000 none"));
                assert_eq!(raw.hears("online")["peer"], json!("rust"));
                assert_eq!(raw.line(), json!("Shared"));
                let message = format!("\"{}\"", "x".repeat(97)); // 100 bytes with its newline
                for number in 1..=40 {
                    raw.says(&message);
                    if number % 10 == 0 {
                        assert_eq!(raw.hears("taken")["taken"], json!(number * 100));
                    }
                    assert_eq!(raw.line().as_str().unwrap().len(), 97);
                }
                raw.acts("\"act\":\"disconnect\"");
                raw.ends_well();
            })
            .worker(|mut me, _| {
                me.send(me.scheduling_policy().map(|policy| format!("{policy:?}"))).unwrap();
                while let Some(message) = me.recv().unwrap() {
                    me.send(message.parse::<String>().unwrap()).unwrap();
                }
            }),
        test("a_worker_tells_a_primary_that_is_not_ours_nothing_that_node_would_not_tell")
            .primary(|_| {
                let mut raw = RawPrimary::forks("", None);
                let online = json!({"cmd": "NODE_CLUSTER", "act": "online", "seq": 0});
                assert_eq!(raw.line(), online);
                assert_eq!(raw.line(), json!(null));
                for _ in 0..40 {
                    raw.says(&format!("\"{}\"", "x".repeat(100_000)));
                    assert_eq!(raw.line(), json!(100_000));
                }
                let taken = TcpListener::bind("127.0.0.1:0").unwrap();
                raw.says(&format!("\"{}\"", taken.local_addr().unwrap()));
                assert!(raw.line().as_str().unwrap().contains("address already in use"));
                raw.acts("\"act\":\"disconnect\"");
                raw.ends_well();
            })
            .worker(|mut me, _| {
                me.send(me.scheduling_policy().map(|policy| format!("{policy:?}"))).unwrap();
                while let Some(message) = me.recv().unwrap() {
                    let text: String = message.parse().unwrap();
                    if text.starts_with('x') {
                        me.send(text.len()).unwrap();
                    } else {
                        let on = cluster::Listen::from(text).exclusive();
                        me.send(me.clone().listen(on).unwrap_err().to_string()).unwrap();
                    }
                }
            }),
        test("a_worker_that_drains_goes_on_with_everything_until_it_is_asked_to_leave")
            .primary(|_| {
                let mut raw = RawPrimary::forks("", Some(OURS));
                raw.hears("online");
                raw.acts("\"act\":\"drain\"");
                assert_eq!(raw.hears_the_program(), json!("is leaving"));
                raw.grants(true); // it may still listen
                assert_eq!(raw.hears("waiting")["upTo"], json!(1));
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                let (connection, _) = listener.accept().unwrap();
                let handed_over = with_socket(&format!("\"act\":\"newconn\",\"key\":\"{KEY}\""));
                raw.says_with(&handed_over, connection.as_fd());
                drop(connection);
                assert_eq!(crate::scheduling::text_of(client), "");
                raw.says("\"a message\"");
                assert_eq!(raw.hears_the_program(), json!("a message"));
                raw.acts("\"act\":\"drain\"");
                raw.acts("\"act\":\"disconnect\"");
                assert_eq!(raw.hears_the_program(), json!("leaves"));
                raw.ends_well();
            })
            .worker(|mut me, _| {
                while !me.is_leaving() {
                    let soon = std::time::Instant::now() + std::time::Duration::from_millis(5);
                    let _ = me.next_event_before(soon).unwrap();
                }
                me.send("is leaving").unwrap();
                let listener = me.listen("127.0.0.1:0").unwrap();
                assert!(listener.accept().unwrap().is_some());
                let message = me.recv().unwrap().unwrap();
                me.send(message.parse::<String>().unwrap()).unwrap();
                assert!(listener.accept().unwrap().is_none());
                assert!(matches!(me.next_event().unwrap(), Some(WorkerEvent::Disconnect)));
                me.send("leaves").unwrap();
                assert!(me.next_event().unwrap().is_none());
            }),
        test("a_worker_tells_a_primary_of_ours_why_it_cannot_listen")
            .primary(|_| {
                let taken = TcpListener::bind("127.0.0.1:0").unwrap();
                let at = taken.local_addr().unwrap();
                let mut raw = RawPrimary::forks(&at.to_string(), Some(OURS));
                // On its own.
                let failed = raw.hears("listenFailed");
                let in_use = -nix::libc::EADDRINUSE;
                assert_eq!(failed["errno"], json!(in_use));
                let place = [&failed["address"], &failed["port"], &failed["addressType"]];
                assert_eq!(place, [&json!("127.0.0.1"), &json!(at.port()), &json!(4)]);
                // On a socket from here, which blocks; then on one whose address another one
                // listens on.
                let asked = raw.hears("queryServer");
                let answer = |ack: &cluster::Value| {
                    with_socket(&format!("\"errno\":0,\"key\":\"{KEY}\",\"ack\":{ack}"))
                };
                raw.says_with(&answer(&asked["seq"]), taken.as_fd());
                assert_eq!(raw.hears("close")["key"], json!(KEY));
                let failed = raw.hears("listenFailed");
                assert_eq!((&failed["blocking"], &failed["errno"]), (&json!(true), &json!(null)));
                assert_eq!(failed["port"], json!(at.port()));
                let asked = raw.hears("queryServer");
                let unbound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                unbound.set_nonblocking(true).unwrap();
                raw.says_with(&answer(&asked["seq"]), unbound.as_fd());
                raw.hears("close");
                assert_eq!(raw.hears("listenFailed")["errno"], json!(in_use));
                // What this primary found out itself it knows.
                let asked = raw.hears("queryServer");
                raw.acts(&format!("\"errno\":-13,\"key\":\"{KEY}\",\"ack\":{}", asked["seq"]));
                assert_eq!(raw.line(), json!("the end"));
                raw.acts("\"act\":\"disconnect\"");
                raw.ends_well();
            })
            .worker(|mut me, at| {
                me.listen(cluster::Listen::from(at).exclusive()).unwrap_err();
                for _ in 0..3 {
                    me.listen(at).unwrap_err();
                }
                me.send("the end").unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
        test("a_worker_that_is_asked_to_leave_while_it_boots_is_told_so_by_listen")
            .primary(|_| {
                for on in ["shared with others", "exclusive"] {
                    let mut raw = RawPrimary::forks(on, None);
                    raw.acts("\"act\":\"disconnect\"");
                    let said = raw.hears_the_program();
                    assert!(
                        said.as_str().unwrap().contains("asked this worker to leave"),
                        "{said}"
                    );
                    raw.ends_well();
                }
            })
            .worker(|mut me, on| {
                if on == "exclusive" {
                    // It has heard it by then.
                    assert!(matches!(me.next_event().unwrap(), Some(WorkerEvent::Disconnect)));
                }
                let listen = || match on {
                    "exclusive" => cluster::Listen::from("127.0.0.1:0").exclusive(),
                    _ => cluster::Listen::from("127.0.0.1:0"),
                };
                let error = me.listen(listen()).unwrap_err();
                me.send(format!("{error:?}")).unwrap();
                while me.next_event().unwrap().is_some() {}
                assert!(matches!(me.listen(listen()), Err(Error::PrimaryGone)));
            }),
        test("an_errno_that_no_system_knows_is_an_error_as_any_other")
            .primary(|_| {
                let mut raw = RawPrimary::forks("", None);
                for errno in ["-9223372036854775808", "-99999", "-13"] {
                    let ack = raw.hears("queryServer")["seq"].clone();
                    raw.acts(&format!("\"errno\":{errno},\"key\":\"{KEY}\",\"ack\":{ack}"));
                    let told = raw.hears_the_program();
                    assert!(told.as_str().unwrap().starts_with("cannot listen on"), "{told}");
                }
                raw.acts("\"act\":\"disconnect\"");
                raw.ends_well();
            })
            .worker(|mut me, _| {
                for _ in 0..3 {
                    let told = me.listen("127.0.0.1:0").unwrap_err().to_string();
                    me.send(told).unwrap();
                }
                assert!(me.recv().unwrap().is_none());
            }),
        test("a_listener_says_who_chooses_and_comes_back_when_it_gives_no_socket")
            .primary(|_| {
                let mut raw = RawPrimary::forks("", Some(OURS));
                raw.grants(true);
                assert_eq!(raw.hears("close")["key"], json!(KEY));
                raw.acts("\"act\":\"disconnect\"");
                raw.ends_well();
            })
            .worker(|mut me, _| {
                assert_eq!(me.scheduling_policy(), Some(SchedulingPolicy::RoundRobin));
                let listener = me.listen("127.0.0.1:0").unwrap();
                assert_eq!(listener.scheduling_policy(), SchedulingPolicy::RoundRobin);
                let refused = listener.into_std().unwrap_err();
                assert!(matches!(refused.error, Error::NotShared(_)));
                let again = || -> Result<std::net::TcpListener, Error> {
                    Ok(refused.listener.into_std()?) // dropped with its error, it closes
                };
                assert!(matches!(again(), Err(Error::NotShared(_))));
                let own = me.listen(cluster::Listen::from("127.0.0.1:0").exclusive()).unwrap();
                assert_eq!(own.scheduling_policy(), SchedulingPolicy::Shared);
                own.into_std().unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
    ]
}
