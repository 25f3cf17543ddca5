//! Visitors and servers that misbehave, over real connections. Either side must come to its end, and say what it saw.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use visitors::{
    Guest, Leaves, MAX_BODY, MAX_REQUEST_HEAD, PATIENCE, Refusal, Request, Response, Slowness,
    Trouble, Visitor,
};

const SOON: Duration = Duration::from_millis(100);
const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nworker 2\n";

/// A server that treats its only connection like this, and a visitor of it.
fn server<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (Visitor, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let visitor = Visitor::new(listener.local_addr().unwrap()).unwrap();
    (visitor, thread::spawn(move || serve(listener.accept().unwrap().0)))
}

/// What a visitor sees of a server that reads a little, says this, and hangs up.
fn seen_of(said: &'static [u8]) -> Result<u16, Trouble> {
    let (visitor, server) = server(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]).unwrap();
        let _ = stream.write_all(said); // the visitor may have seen enough
    });
    let seen = visitor.visit("/");
    server.join().unwrap();
    seen.result.map(|answer| answer.status)
}

#[test]
fn every_trouble_has_its_name() {
    assert_eq!(seen_of(WHOLE), Ok(200));
    assert_eq!(seen_of(b""), Err(Trouble::ClosedEarly));
    assert_eq!(seen_of(&WHOLE[..WHOLE.len() - 1]), Err(Trouble::ClosedEarly));
    assert!(matches!(seen_of(b"220 mail.example ESMTP\r\n"), Err(Trouble::NotHttp(_))));
    assert!(matches!(seen_of(b"\0\xff\xfe"), Err(Trouble::NotHttp(_))));
    let huge = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n";
    assert_eq!(seen_of(huge), Err(Trouble::TooLarge(MAX_BODY)));
}

#[test]
fn nobody_there_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let visitor = Visitor::new(listener.local_addr().unwrap()).unwrap();
    drop(listener);
    assert_eq!(visitor.visit("/").result, Err(Trouble::Refused));
    assert_eq!(visitor.vanish("/", Leaves::HalfWay), Err(Trouble::Refused));
    assert_eq!(visitor.stay("/", 3).len(), 1);
}

#[test]
fn a_connection_thrown_away_with_a_request_in_it_is_reset() {
    let (visitor, server) = server(|stream| {
        let _ = stream.peek(&mut [0]).unwrap(); // it is there, and is never read
    });
    assert_eq!(visitor.visit("/").result, Err(Trouble::Reset));
    server.join().unwrap();
}

#[test]
fn a_visitor_waits_no_longer_than_its_patience() {
    let (visitor, server) = server(|mut stream| {
        // A byte every now and then must not prolong it.
        while stream.write_all(b"H").is_ok() {
            thread::sleep(SOON / 10);
        }
    });
    let visitor = visitor.with_patience(SOON);
    let seen = visitor.visit("/");
    assert!(matches!(seen.result, Err(Trouble::TimedOut | Trouble::NotHttp(_))), "{seen}");
    assert!(seen.latency < PATIENCE, "{seen}");
    server.join().unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap(); // never accepts
    let visitor = Visitor::new(listener.local_addr().unwrap()).unwrap().with_patience(SOON);
    let seen = visitor.visit("/");
    assert_eq!(seen.result, Err(Trouble::TimedOut));
    assert!(seen.latency >= SOON && seen.latency < PATIENCE, "{seen}");
}

#[test]
fn an_endless_body_is_cut_off() {
    let (visitor, server) = server(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    assert_eq!(visitor.visit("/").result, Err(Trouble::TooLarge(MAX_BODY)));
    server.join().unwrap();
}

/// A well-behaved server of one connection.
fn host(patience: Duration) -> (Visitor, JoinHandle<(usize, Option<Refusal>)>) {
    server(move |stream| {
        let mut guest = Guest::new(stream);
        let mut served = 0;
        loop {
            match guest.next_request(patience) {
                Ok(Some(Request { keep_alive, .. })) => {
                    served += 1;
                    let response = Response::text(200, "worker 2\n").header("X-Worker", 2);
                    let response = if keep_alive { response } else { response.close() };
                    if guest.answer(&response).is_err() || !keep_alive {
                        return (served, None);
                    }
                }
                Ok(None) => return (served, None),
                Err(refusal) => {
                    guest.refuse(&refusal);
                    return (served, Some(refusal));
                }
            }
        }
    })
}

#[test]
fn one_who_stays_asks_many_times_on_one_connection() {
    let (visitor, server) = host(PATIENCE);
    let seen = visitor.stay("/", 5);
    assert_eq!(seen.iter().map(|seen| seen.worker()).collect::<Vec<_>>(), [Some(2); 5]);
    assert_eq!(server.join().unwrap(), (5, None));
}

#[test]
fn one_who_has_come_asks_this_and_that_until_the_server_closes() {
    let (visitor, server) = host(PATIENCE);
    let mut stay = visitor.come().unwrap();
    assert_eq!([stay.ask("/").worker(), stay.ask("/that").worker()], [Some(2), Some(2)]);
    assert_eq!(stay.ask("that").result, Err(Trouble::NotAPath("that".into())));
    assert_eq!(stay.ask("/").worker(), Some(2));
    drop(stay);
    assert_eq!(server.join().unwrap().0, 3);

    let (visitor, server) = host(Duration::ZERO);
    let mut stay = visitor.come().unwrap();
    for _ in 0..2 {
        let trouble = stay.ask("/").result.unwrap_err();
        assert!(matches!(trouble, Trouble::ClosedEarly | Trouble::Reset), "{trouble}");
    }
    server.join().unwrap();
}

#[test]
fn one_who_stays_sees_that_the_server_does_not_let_it() {
    let (visitor, server) = server(|mut stream| {
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
    });
    let seen = visitor.stay("/", 5);
    assert!(seen[0].result.is_ok());
    assert_eq!(seen[1].result, Err(Trouble::ClosedEarly));
    assert_eq!(seen.len(), 2);
    server.join().unwrap();
}

#[test]
fn a_slow_request_is_served_while_the_server_is_patient() {
    for slowness in [Slowness::Late(SOON), Slowness::ByteByByte(Duration::from_micros(100))] {
        let (visitor, server) = host(PATIENCE);
        let seen = visitor.visit_slowly("/", slowness);
        assert_eq!(seen.worker(), Some(2), "{slowness:?}: {seen}");
        assert_eq!(server.join().unwrap(), (1, None));
    }
}

#[test]
fn a_request_that_does_not_come_to_its_end_is_answered_with_408() {
    let (visitor, server) = host(SOON);
    let start = Instant::now();
    let seen = visitor.visit_slowly("/", Slowness::ByteByByte(SOON / 20));
    assert_eq!(seen.result.as_ref().map(|answer| answer.status), Ok(408), "{seen}");
    assert_eq!(server.join().unwrap(), (0, Some(Refusal::TooSlow)));
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn a_guest_that_never_says_anything_is_left_without_a_word() {
    let (visitor, server) = host(SOON);
    let seen = visitor.visit_slowly("/", Slowness::Late(PATIENCE / 2));
    assert_eq!(seen.result, Err(Trouble::ClosedEarly), "{seen}");
    assert_eq!(server.join().unwrap(), (0, None));
}

#[test]
fn who_vanishes_holds_nobody_up() {
    for (leaves, sees) in [
        (Leaves::AtOnce, (0, None)),
        (Leaves::HalfWay, (0, Some(Refusal::Gone))),
        (Leaves::BeforeTheAnswer, (1, None)),
    ] {
        let (visitor, server) = host(PATIENCE);
        let start = Instant::now();
        visitor.vanish("/", leaves).unwrap();
        assert_eq!(server.join().unwrap(), sees, "{leaves:?}");
        assert!(start.elapsed() < PATIENCE);
    }
}

/// What a raw guest hears after it has said this.
fn hears(address: SocketAddr, said: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(said).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    heard
}

#[test]
fn what_cannot_be_served_is_refused_with_the_right_number_and_no_reset() {
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(10 * MAX_REQUEST_HEAD));
    for (said, status) in [
        (long.as_str(), 431),
        ("hello\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        ("POST / HTTP/1.1\r\nContent-Length: 9999999999999\r\n\r\nabc", 413),
    ] {
        let (visitor, server) = host(PATIENCE);
        let heard = hears(visitor.address(), said.as_bytes());
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {heard:?}");
        assert!(server.join().unwrap().1.is_some());
    }
}

#[test]
fn a_head_is_answered_without_a_body() {
    let (visitor, server) = host(PATIENCE);
    let heard = hears(visitor.address(), b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(heard.ends_with("Content-Length: 9\r\nConnection: close\r\n\r\n"), "{heard:?}");
    assert_eq!(server.join().unwrap(), (1, None));
}

#[test]
fn two_requests_in_one_packet_are_two() {
    let (visitor, server) = host(PATIENCE);
    let heard = hears(visitor.address(), &b"GET / HTTP/1.1\r\n\r\n".repeat(2));
    assert_eq!(heard.matches("worker 2\n").count(), 2, "{heard:?}");
    assert_eq!(server.join().unwrap(), (2, None));
}

#[test]
fn many_come_at_once_and_each_tells_what_it_saw() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let visitor = Visitor::new(listener.local_addr().unwrap()).unwrap();
    let server = thread::spawn(move || {
        // Nobody is served before all are there, so they must really come at once.
        let all: Vec<_> = (0..20).map(|_| listener.accept().unwrap().0).collect();
        for stream in all {
            let mut guest = Guest::new(stream);
            guest.next_request(PATIENCE).unwrap().unwrap();
            guest.answer(&Response::text(200, "worker 2\n").close()).unwrap();
        }
    });
    let seen = visitor.at_once("/", 20);
    assert!(seen.len() == 20 && seen.iter().all(|seen| seen.worker() == Some(2)), "{seen:?}");
    server.join().unwrap();
}

#[test]
fn a_request_in_two_halves_has_begun_with_the_first_and_is_answered_after_the_second() {
    let (said, heard) = std::sync::mpsc::channel();
    let (visitor, server) = server(move |stream| {
        let mut guest = Guest::new(stream);
        assert!(!guest.has_begun());
        assert!(guest.hear().unwrap() && guest.has_begun());
        said.send(()).unwrap();
        let request = guest.next_request(PATIENCE).unwrap().unwrap();
        assert!(!guest.has_begun());
        guest.answer(&Response::text(200, request.path)).unwrap();
        assert!(!guest.hear().unwrap(), "it has left");
    });
    let mut connection = visitor.connect().unwrap();
    connection.send(b"GET /half").unwrap();
    heard.recv().unwrap();
    connection.send(b"way HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(connection.hear().unwrap().text(), "/halfway");
    drop(connection);
    server.join().unwrap();
}
