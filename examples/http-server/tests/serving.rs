//! What the server claims, checked on the real program from outside.

#[rustfmt::skip] // it has its own width
#[path = "../../../tests/support/mod.rs"]
mod support;

mod server;

use std::collections::BTreeSet;
use std::thread;
use std::time::Instant;

use server::{PROGRAM, Server};
use support::{IN_TIME, assert_tells_that_a_port_is_taken, typed};
use visitors::Seen;

#[test]
fn answers_come_from_every_worker_and_say_from_whom() {
    let server = Server::start("--workers 2");
    let mut met = BTreeSet::new();
    let until = Instant::now() + IN_TIME;
    while met.len() < 2 && Instant::now() < until {
        let seen = server.visitor.visit("/");
        let answer = seen.result.as_ref().expect("it is answered");
        let number = answer.x_worker.clone().expect("X-Worker");
        let text = answer.text();
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(&words[..3], ["worker", &format!("{number},"), "pid"]);
        assert!(words[3].parse::<u32>().is_ok(), "{text}");
        met.insert(number);
    }
    assert_eq!(met.len(), 2);
    let head = server.says(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "no body: {head}");
}

#[test]
fn what_is_not_served_is_refused_by_its_number() {
    let server = Server::start("--workers 1");
    let long = "Content-Length: 1048577";
    for (request, status) in [
        ("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 404),
        ("POST / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 405),
        ("DELETE /status HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 405),
        ("GET /slow?ms=x HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("HELO\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nno header\r\n\r\n".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n".into(), 400),
        (format!("POST / HTTP/1.1\r\nHost: x\r\n{long}\r\n\r\n"), 413),
        (
            format!(
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\
                 \r\n\r\n100001\r\n{}\r\n0\r\n\r\n",
                "x".repeat(0x100001)
            ),
            413,
        ),
    ] {
        let heard = server.says(request.as_bytes());
        let expected = format!("HTTP/1.1 {status} ");
        let start = &request[..request.len().min(80)];
        assert!(heard.starts_with(&expected), "{start:?}: {heard:?}");
    }
    let within = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n{}",
        "x".repeat(1048576)
    );
    assert!(server.says(within.as_bytes()).starts_with("HTTP/1.1 405 "));
    assert_eq!(server.status()["restarts"], 0, "nobody died of it");
}

#[test]
fn the_status_counts_requests_restarts_and_seconds() {
    let server = Server::start("--workers 2");
    let seen = server.visitor.one_by_one("/", 30);
    let status = server.status();
    let workers = status["workers"].as_array().expect("an array");
    for worker in workers {
        let id = worker["id"].as_u64().expect("a number");
        let mine = |seen: &&Seen| seen.worker() == u32::try_from(id).ok();
        let served = seen.iter().filter(mine).count() as u64;
        let requests = worker["requests"].as_u64().expect("a number");
        assert!((served..=served + 1).contains(&requests), "{status}");
        assert_eq!(worker["state"], "listening");
        assert!(worker["pid"].is_u64());
    }
    assert_eq!((workers.len(), &status["restarts"]), (2, &0.into()));
    assert!(status["uptime_seconds"].is_f64());

    assert!(server.visitor.visit("/crash").result.is_err());
    let status = server.wait_until_all_are_back(2, 1);
    let numbers = status["workers"].as_array().expect("an array").iter();
    let ids: Vec<u64> = numbers.filter_map(|it| it["id"].as_u64()).collect();
    assert!(ids.contains(&3), "{status}");
}

#[test]
fn many_ask_for_the_status_at_once_and_all_are_answered() {
    let server = Server::start("--workers 3");
    let seen = server.visitor.at_once("/status", 100);
    for seen in seen {
        let text = seen.result.expect("it is answered").text();
        let status: serde_json::Value =
            serde_json::from_str(&text).expect("JSON");
        assert_eq!(status["workers"].as_array().map(Vec::len), Some(3));
    }
}

#[test]
fn everybody_who_comes_at_once_and_stays_is_answered() {
    let server = Server::start("--workers 2");
    for _ in 0..3 {
        let stays: Vec<_> = (0..60)
            .map(|_| server.visitor.come().expect("it listens"))
            .collect();
        let answered = thread::scope(|scope| {
            let ask = |mut stay: visitors::Stay| {
                scope.spawn(move || (stay.ask("/").worker(), stay))
            };
            let asking: Vec<_> = stays.into_iter().map(ask).collect();
            // Nobody leaves before all are answered.
            let asked =
                asking.into_iter().map(|it| it.join().expect("no panic"));
            asked.collect::<Vec<_>>()
        });
        assert!(answered.iter().all(|(worker, _)| worker.is_some()));
    }
    server.stop();
}

#[test]
fn a_taken_port_is_told_in_two_lines_that_name_the_way_out() {
    assert_tells_that_a_port_is_taken(PROGRAM, "");
}

#[test]
fn every_visitor_is_answered_and_counted_whoever_serves() {
    for flags in ["--requests 30", "--requests 30 --by-hand", "--workers 1"] {
        let output = typed(PROGRAM, flags).finish(IN_TIME);
        assert!(output.status.success(), "{flags}: {output:#?}");
        let told = &output.stdout;
        let of = |line: &str| {
            let count = line.strip_prefix("  | worker ")?.split("serves");
            count.last()?.split_whitespace().next()?.parse::<usize>().ok()
        };
        let all = if flags.contains("30") { 30 } else { 12 };
        assert_eq!(told.lines().filter_map(of).sum::<usize>(), all, "{told}");
        assert!(told.contains("every one is answered"), "{told}");
    }
}
