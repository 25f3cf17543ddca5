//! Lines that are too long, and lines that cost more than they are worth: they are told, and take
//! neither memory nor time.

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use cluster::{Error, Event, Primary, SendError, WorkerEvent, json};

use crate::harness::{Events, Test, plain, test};
use crate::hostile::{Peer, channel, end, spawn_worker, write_with};
use crate::leaks::open_files;
use crate::node::{fork_node, node_20};

/// What a process may take while a peer does its worst, in KiB.
const MEMORY: usize = 64 * 1024;

/// The longest line, if the settings do not say.
const LIMIT: usize = 8 * 1024 * 1024;
const PASSED_OVER: &str = "worker 1 error: a message of more than 8388608 bytes, passed over";

/// An array of many small objects, on a line of about this length: as a `Value` it takes some
/// eighty times as much.
fn write_costly_line(mut channel: &UnixStream, length: usize) {
    const PIECE: &[u8] = br#"{"":0},"#;
    let count = length / PIECE.len();
    let mut write = |bytes: &[u8]| channel.write_all(bytes).unwrap();
    write(b"[");
    for _ in 0..count / 8192 {
        write(&PIECE.repeat(8192));
    }
    write(&PIECE.repeat(count % 8192));
    write(b"0]\n");
}

/// The most that this process ever had in memory, in KiB.
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// All that is told, in short, and how long the longest turn of the loop took. Memory stays small.
fn all_told(mut primary: Primary) -> (Vec<String>, Duration) {
    let (mut told, mut longest) = (Vec::new(), Duration::ZERO);
    loop {
        let begin = Instant::now();
        let event = primary.next_event_before(begin + Duration::from_millis(10)).unwrap();
        longest = longest.max(begin.elapsed());
        match event {
            None => break,
            Some(Event::Deadline) => {}
            Some(Event::Message(_, message)) => {
                told.push(message.text().unwrap_or_else(|| "long".into()));
            }
            Some(event) => told.extend(crate::harness::in_short(&event)),
        }
    }
    assert!(most_memory() < MEMORY, "{} KiB", most_memory());
    (told, longest)
}

pub fn tests() -> Vec<Test> {
    vec![
        test("a_line_of_62_million_bytes_is_told_and_costs_the_primary_no_memory")
            .primary(|mut primary| {
                primary.fork_with(plain("")).unwrap();
                let (told, longest) = all_told(primary);
                assert!(longest < Duration::from_secs(1), "{longest:?}");
                assert_eq!(told[1], PASSED_OVER);
                assert_eq!(told[2..], end("good"));
            })
            .plain(|_| {
                let mut channel = channel();
                write_costly_line(&channel, 62_000_000);
                channel.write_all(b"\"good\"\n").unwrap();
            }),
        test("costly_lines_just_below_the_limit_cost_the_primary_only_their_own_bytes")
            .primary(|mut primary| {
                primary.fork_with(plain("")).unwrap();
                let (told, _) = all_told(primary);
                assert_eq!(told[1..13], ["long"; 12]);
                assert_eq!(told[13..], end("good"));
            })
            .plain(|_| {
                let mut channel = channel();
                (0..12).for_each(|_| write_costly_line(&channel, LIMIT - 20));
                channel.write_all(b"\"good\"\n").unwrap();
            }),
        test("a_line_of_62_million_bytes_is_told_and_costs_a_worker_no_memory")
            .primary(|_| {
                let mut peer = spawn_worker("json");
                peer.line();
                write_costly_line(&peer.channel, 62_000_000);
                (0..12).for_each(|_| write_costly_line(&peer.channel, LIMIT - 20));
                peer.channel.write_all(b"\"good\"\n").unwrap();
                assert_eq!(peer.line(), "\"too long\"");
                for _ in 0..12 {
                    assert_eq!(peer.line(), "\"long\"");
                }
                assert_eq!(peer.line(), "\"good\"");
                drop(peer.channel);
                assert!(peer.child.wait().unwrap().success());
            })
            .worker(|mut me, _| {
                while let Some(event) = me.next_event().unwrap() {
                    match event {
                        WorkerEvent::Error(Error::LineTooLong(LIMIT)) => {
                            me.send("too long").unwrap()
                        }
                        WorkerEvent::Message(message) => {
                            me.send(message.text().unwrap_or_else(|| "long".into())).unwrap();
                        }
                        other => panic!("{other:?}"),
                    }
                }
                assert!(most_memory() < MEMORY, "{} KiB", most_memory());
            }),
        test("a_message_deeper_than_any_parser_goes_arrives_and_can_be_printed")
            .primary(|mut primary| {
                primary.fork_with(plain("")).unwrap();
                primary.until(|event| match event {
                    Event::Message(_, message) => {
                        let depth = 100_000;
                        assert_eq!(message.to_string(), "[".repeat(depth) + &"]".repeat(depth));
                        assert!(format!("{message:?}").len() < 300);
                        assert!(matches!(message.value(), Err(Error::UnexpectedMessage(_))));
                        Some(())
                    }
                    _ => None,
                });
                assert_eq!(primary.rest(), end("worker 1 says \"good\""));
            })
            .plain(|_| {
                let deep = "[".repeat(100_000) + &"]".repeat(100_000) + "\n\"good\"\n";
                channel().write_all(deep.as_bytes()).unwrap();
            }),
        test("a_handle_whose_line_is_too_long_is_acknowledged_told_and_closed")
            .primary(|mut primary| {
                let before = open_files();
                primary.fork_with(plain("")).unwrap();
                let told = primary.rest();
                assert_eq!(told[1], PASSED_OVER);
                assert_eq!(told[2..], end("worker 1 says \"good\""));
                assert_eq!(open_files(), before);
            })
            .plain(|_| {
                let start = "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":\"";
                let mut peer = Peer::of(channel());
                let (stream, _other) = UnixStream::pair().unwrap();
                write_with(&peer.channel, start, Some(stream.as_fd()));
                peer.channel.write_all(&vec![b'x'; LIMIT]).unwrap();
                peer.channel.write_all(b"\"}\n").unwrap();
                assert_eq!(peer.line(), "{\"cmd\":\"NODE_HANDLE_ACK\"}");
                peer.channel.write_all(b"\"good\"\n").unwrap();
            }),
        test("node_worker_whose_handle_was_too_long_goes_on").needs(node_20).primary(
            |mut primary| {
                let worker = fork_node(&mut primary);
                primary.send(worker, json!({"ask": "too much"})).unwrap();
                let mut told = Vec::new();
                primary.until(|event| {
                    told.extend(crate::harness::in_short(&event));
                    matches!(event, Event::Message(..)).then_some(())
                });
                assert_eq!(told, [PASSED_OVER, "worker 1 says \"after\""]);
            },
        ),
        test("what_the_other_side_would_pass_over_is_refused_and_what_it_takes_arrives")
            .primary(|mut primary| {
                let worker = primary.fork().unwrap();
                let most = "x".repeat(LIMIT - 2);
                let more = "x".repeat(LIMIT - 1);
                let refused = |error: Error| {
                    let expected = "a message of 8388609 bytes; the other side takes 8388608";
                    assert_eq!(error.to_string(), expected);
                };
                // It does not have to be said in full to be refused.
                let text = "x".repeat(1 << 20);
                let huge = primary.send(worker, vec![&text; 65]).unwrap_err().into();
                let expected = 65 * ((1 << 20) + 3) + 1;
                assert!(matches!(huge, Error::MessageTooLong { bytes, .. } if bytes == expected));
                assert!(most_memory() < MEMORY, "{} KiB", most_memory());
                refused(primary.send(worker, &more).unwrap_err().into());
                refused(primary.broadcast(&more).unwrap_err());
                let (stream, _other) = UnixStream::pair().unwrap();
                let refusal = primary.send_with(worker, &most, stream);
                assert!(matches!(
                    refusal,
                    Err(SendError::Failed(Error::MessageTooLong { limit: LIMIT, .. }))
                ));
                primary.send(worker, &most).unwrap();
                assert_eq!(primary.hears(worker), json!("refused"));
                assert!(primary.hears(worker) == json!(most));
            })
            .worker(|mut me, _| {
                let message: String = me.recv().unwrap().unwrap().parse().unwrap();
                let more = format!("{message}x");
                assert!(matches!(me.send(&more), Err(Error::MessageTooLong { limit: LIMIT, .. })));
                let refusal = me.try_send(&more);
                assert!(matches!(refusal, Err(SendError::Failed(Error::MessageTooLong { .. }))));
                let (stream, _other) = UnixStream::pair().unwrap();
                let refusal = me.send_with(&message, stream);
                assert!(matches!(refusal, Err(Error::MessageTooLong { .. })));
                me.send("refused").unwrap();
                me.send(message).unwrap();
                assert!(me.recv().unwrap().is_none());
            }),
    ]
}
