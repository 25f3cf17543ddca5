//! What the load test counts, against servers that behave and that do not.

#[rustfmt::skip] // it has its own width
#[path = "../../../tests/support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use support::{IN_TIME, Output, Run, SOON, on_a_terminal, typed};
use visitors::{Guest, Response};

const PROGRAM: &str = env!("CARGO_BIN_EXE_load-test");

fn run(words: &str) -> Output {
    let run = typed(PROGRAM, words);
    let output = run.finish(IN_TIME);
    run.assert_nothing_left(SOON);
    output
}

/// What it measured of this server.
fn measured(at: SocketAddr, flags: &str) -> Value {
    let output = run(&format!("--json --url http://{at}/ {flags}"));
    assert!(output.status.success(), "{output:#?}");
    serde_json::from_str(&output.stdout).expect("JSON")
}

/// A server that treats each connection like this.
fn server(serve: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    at
}

/// Well-behaved: answers at once, with this status.
fn answer<const STATUS: u16>(stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut guest = Guest::new(stream);
    while let Ok(Some(request)) = guest.next_request(IN_TIME) {
        let response = Response::text(STATUS, "hi\n").header("X-Worker", 7);
        let stays = request.keep_alive;
        let response = if stays { response } else { response.close() };
        if guest.answer(&response).is_err() || !stays {
            return;
        }
    }
}

/// Reads a request, and says this.
fn say(mut stream: TcpStream, text: &[u8]) {
    let _ = stream.read(&mut [0; 4096]);
    let _ = stream.write_all(text);
}

#[test]
fn every_request_is_counted_once_however_it_is_asked() {
    let at = server(answer::<200>);
    for flags in [
        "--requests 500 --duration 20",
        "--requests 500 --duration 20 --no-keep-alive",
        "--requests 500 --duration 20 --connections 7 --threads 3",
        "--requests 500 --duration 20 --rate 5000",
    ] {
        let json = measured(at, flags);
        assert_eq!(json["requests"], 500, "{flags}: {json}");
        assert_eq!(json["errors"], 0, "{flags}: {json}");
        assert_eq!(json["workers"]["7"], 500, "{flags}: {json}");
        let us = |name: &str| json["latency_us"][name].as_u64().expect(name);
        let order = ["p50", "p90", "p99", "p999", "max"].map(us);
        assert!(order.is_sorted() && order[0] > 0, "{json}");
    }
}

#[test]
fn what_goes_wrong_is_counted_and_named() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let refused = nobody.local_addr().expect("an address");
    drop(nobody);
    for (at, name) in [
        (refused, "refused"),
        (server(|stream| say(stream, b"")), "closed early"),
        (
            server(|it| {
                say(it, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
            }),
            "closed early",
        ),
        (server(|it| say(it, b"220 mail ESMTP\r\n\r\n")), "invalid HTTP"),
        (server(answer::<503>), "status 503"),
        (server(drop), "closed early"),
    ] {
        let json = measured(at, "--requests 40 --duration 20 --connections 4");
        assert_eq!(json["errors"], 40, "{name}: {json}");
        assert_eq!(json["errors_by_name"][name], 40, "{json}");
        assert_eq!(json["requests"], 0, "{name}: {json}");
    }
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let at = server(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let json = measured(at, "--requests 4 --connections 4 --duration 20");
    assert_eq!(json["errors_by_name"]["never answered"], 4, "{json}");
    let start = Instant::now();
    assert_eq!(measured(at, "--duration 0.2")["requests"], 0);
    assert!(start.elapsed() < IN_TIME, "it does not wait for the answers");
}

/// One connection, and each answer takes 20 ms: 50 a second are possible, 200
/// are asked for. Whoever counts from the late start sees 20 ms.
#[test]
fn with_a_rate_a_wait_counts_from_when_the_request_was_meant_to_begin() {
    let at = server(|stream| {
        let mut guest = Guest::new(stream);
        while let Ok(Some(_)) = guest.next_request(IN_TIME) {
            // So slow is this server.
            thread::sleep(Duration::from_millis(20));
            if guest.answer(&Response::text(200, "hi\n")).is_err() {
                return;
            }
        }
    });
    let flags = "--connections 1 --requests 20 --duration 20";
    let open = measured(at, &format!("{flags} --rate 200"));
    let closed = measured(at, flags);
    let p90 = |json: &Value| json["latency_us"]["p90"].as_u64().expect("p90");
    // The 18th began 255 ms late.
    assert!(p90(&open) > 200_000, "{open}");
    assert!(p90(&closed) >= 20_000 && p90(&closed) < p90(&open), "{closed}");
}

#[test]
fn other_machines_are_refused_in_two_lines() {
    let output = run("--url http://192.0.2.1/");
    assert_eq!(output.status.code(), Some(1), "{output:#?}");
    assert_eq!(output.stderr.lines().count(), 2, "{output:#?}");
    assert!(output.stderr.contains("--host-is-mine"), "{output:#?}");
}

#[test]
fn one_worker_and_several_are_compared_and_each_had_its_share() {
    let output = run("--json --requests 2000 --duration 20 --workers 2");
    assert!(output.status.success(), "{output:#?}");
    let json: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let runs = json["runs"].as_array().expect("two runs");
    assert_eq!(runs.len(), 2);
    for (run, workers) in runs.iter().zip([1, 2]) {
        assert_eq!(run["requests"], 2000, "{run}");
        assert_eq!(run["errors"], 0, "{run}");
        let shares = run["workers"].as_object().expect("shares");
        assert!(shares.len() <= workers && !shares.is_empty(), "{run}");
    }
    assert!(json["speed_up"].is_f64());
}

#[test]
fn ctrl_c_ends_a_load_early_with_what_was_measured() {
    let at = server(answer::<200>);
    let url = format!("http://{at}/");
    let run = Run::start(PROGRAM, &["--url", &url, "--duration", "60"]);
    run.wait_for_line("loads http://", IN_TIME);
    run.signal_group(Signal::SIGINT);
    let output = run.finish(IN_TIME);
    assert_eq!(output.status.code(), Some(130), "{output:#?}");
    assert!(output.stdout.contains("requests/s"), "{output:#?}");
    assert_eq!(output.status.signal(), None);
}

#[test]
fn a_terminal_shows_how_far_the_run_is_and_a_pipe_does_not() {
    let at = server(answer::<200>);
    let words = format!("--url http://{at}/ --requests 100 --rate 400");
    let shown = on_a_terminal(PROGRAM, &words); // a quarter of a second
    assert!(shown.contains("visitor   asks"), "{shown:?}");
    assert!(shown.contains(" answers"), "{shown:?}");
    assert_eq!(run(&words).stderr, "");
}
