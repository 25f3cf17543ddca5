//! What the server claims, checked on the real program from outside.

#[rustfmt::skip] // it has its own width
#[path = "../../../tests/support/mod.rs"]
mod support;

mod server;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use server::{PROGRAM, SOON, Server};
use support::{IN_TIME, Run};
use visitors::{Seen, Visitor};

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

/// The bar: 50 crashes under load from 16 clients.
#[test]
fn fifty_crashes_under_load_cost_each_client_one_request_at_most() {
    let server = Server::start("--workers 2");
    let load = Load::default();
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (load, visitor) = (&load, server.visitor);
            scope.spawn(move || load.ask(client, visitor));
        }
        let _over = load.over_in_the_end();
        for crash in 1..=50 {
            load.wait_until_each_was_served();
            let before = load.failed.load(SeqCst);
            assert!(server.visitor.visit("/crash").result.is_err());
            server.wait_until_all_are_back(2, crash);
            load.wait_until_each_was_served();
            let failed = load.failed.load(SeqCst) - before;
            assert!(failed <= CLIENTS, "crash {crash}: {failed} failed");
        }
    });
    assert_eq!(load.twice.load(SeqCst), 0, "somebody failed twice in a row");
    server.stop();
}

const CLIENTS: usize = 16;

/// What the clients went through.
#[derive(Default)]
struct Load {
    over: AtomicBool,
    served: [AtomicUsize; CLIENTS],
    failed: AtomicUsize,
    twice: AtomicUsize,
}

impl Load {
    /// Asks, each time on a connection of its own.
    fn ask(&self, client: usize, visitor: Visitor) {
        let mut in_a_row = 0;
        while !self.over.load(SeqCst) {
            if visitor.visit("/").result.is_ok() {
                in_a_row = 0;
                self.served[client].fetch_add(1, SeqCst);
            } else if !self.over.load(SeqCst) {
                in_a_row += 1;
                self.failed.fetch_add(1, SeqCst);
                self.twice.fetch_add(usize::from(in_a_row > 1), SeqCst);
            }
        }
    }

    /// Asks on one connection until it ends, and then on another one.
    fn stay(&self, client: usize, visitor: Visitor) {
        while !self.over.load(SeqCst) {
            let Ok(mut stay) = visitor.come() else { continue };
            while !self.over.load(SeqCst) && stay.ask("/").result.is_ok() {
                self.served[client].fetch_add(1, SeqCst);
            }
        }
    }

    /// The clients end when this is dropped, also in a panic.
    fn over_in_the_end(&self) -> impl Drop + '_ {
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, SeqCst);
            }
        }
        Over(&self.over)
    }

    /// So that who fails next was served in between.
    fn wait_until_each_was_served(&self) {
        let before: Vec<usize> =
            self.served.iter().map(|it| it.load(SeqCst)).collect();
        let until = Instant::now() + IN_TIME;
        while (0..CLIENTS).any(|it| self.served[it].load(SeqCst) == before[it])
        {
            assert!(Instant::now() < until, "a client waits for ever");
            thread::sleep(Duration::from_millis(1)); // nothing to wait on
        }
    }
}

#[test]
fn asked_to_stop_it_answers_what_it_has_begun_and_exits_0() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = Server::start("--workers 2");
        thread::scope(|scope| {
            let ask = || server.visitor.visit("/slow?ms=700");
            let slow: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            server.wait_until_taken(8);
            match signal {
                Signal::SIGINT => server.run.signal_group(signal), // Ctrl-C
                _ => server.run.signal(signal),
            }
            for slow in slow {
                let seen = slow.join().expect("it does not panic");
                let answer = seen.result.expect("it is answered");
                assert!(answer.is_success() && !answer.keep_alive);
            }
        });
        server.is_gone();
    }
}

#[test]
fn clients_that_never_stop_asking_do_not_keep_it_up() {
    let server = Server::start("--workers 2");
    let load = Load::default();
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (load, visitor) = (&load, server.visitor);
            scope.spawn(move || load.stay(client, visitor));
        }
        let _over = load.over_in_the_end();
        load.wait_until_each_was_served();
        server.run.signal(Signal::SIGTERM);
        let output = server.run.finish(IN_TIME);
        assert!(output.status.success(), "{output:#?}");
    });
    server.run.assert_nothing_left(SOON);
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
fn a_second_signal_ends_it_at_once_by_that_signal() {
    use std::os::unix::process::ExitStatusExt;
    let server = Server::start("");
    thread::scope(|scope| {
        scope.spawn(|| server.visitor.visit("/slow?ms=5000"));
        server.wait_until_taken(1);
        server.run.signal(Signal::SIGTERM);
        server.run.wait_for_line("stops", IN_TIME);
        server.run.signal(Signal::SIGTERM);
        let status = server.run.finish(IN_TIME).status;
        assert_eq!(status.signal(), Some(Signal::SIGTERM as i32));
        server.run.assert_nothing_left(SOON);
    });
}

#[test]
fn a_taken_port_is_told_in_two_lines_that_name_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let flags = ["--stay", "--port", &port.to_string()];
    let run = Run::start(PROGRAM, &flags);
    let output = run.finish(IN_TIME);
    assert_eq!(output.status.code(), Some(1), "{output:#?}");
    let expected = format!(
        "error: cannot listen on 127.0.0.1:{port}: address already in use\n\
         help: End what listens there, or take any free port: --port 0\n"
    );
    assert_eq!((&*output.stdout, &*output.stderr), ("", &*expected));
    run.assert_nothing_left(SOON);
}

#[test]
fn every_visitor_is_answered_and_counted_whoever_serves() {
    for flags in ["--requests 30", "--requests 30 --by-hand", "--workers 1"] {
        let words: Vec<&str> = flags.split_whitespace().collect();
        let output = Run::start(PROGRAM, &words).finish(IN_TIME);
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

/// A worker of a Node primary cannot wait in accept there, and says so.
#[test]
fn under_a_node_primary_it_says_why_not_and_names_the_lesson_that_can() {
    if Command::new("node").arg("--version").output().is_err() {
        eprintln!("ignored: needs Node");
        return;
    }
    let script = "
        const cluster = require('node:cluster');
        if (process.env.POLICY === 'none')
            cluster.schedulingPolicy = cluster.SCHED_NONE;
        cluster.setupPrimary({ exec: '/none' });
        process.execPath = process.env.PROGRAM;
        cluster.fork();
        cluster.on('exit', (worker, code) => process.exit(code + 40));
    ";
    for policy in ["rr", "none"] {
        let mut node = Command::new("node");
        node.args(["-e", script]).env("PROGRAM", PROGRAM).env("POLICY", policy);
        let run = Run::of(&mut node);
        let output = run.finish(IN_TIME);
        assert_eq!(output.status.code(), Some(41), "{policy}: {output:#?}");
        assert_eq!(output.stderr.lines().count(), 1, "{output:#?}");
        assert!(output.stderr.contains("`scheduling`"), "{output:#?}");
        run.assert_nothing_left(SOON);
    }
}
