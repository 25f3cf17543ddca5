//! How long a line may be: what is just as long passes, in both directions, and one byte more does
//! not.

#![allow(clippy::unwrap_used)]

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::decoder::{HANDLE, READ};
use super::incoming::INTERNAL_LIMIT;
use super::test_oracle::{NO_LIMIT, feed, is_closed};
use super::test_peer::{ACK, Peer, SERVER, tcp};
use super::{BadLine, Decoder, Incoming};
use crate::channel::{Filled, handle_line, line, one_line};
use crate::{Error, Handle};

/// A line that is so long without its newline.
fn text(length: usize) -> Vec<u8> {
    format!("\"{}\"\n", "x".repeat(length - 2)).into_bytes()
}

/// An object with this command, padded to that length without the newline.
fn command(command: &str, length: usize) -> Vec<u8> {
    let bare = format!("{{\"cmd\":\"{command}\",\"pad\":\"\"}}").len();
    let padding = "x".repeat(length - bare);
    format!("{{\"cmd\":\"{command}\",\"pad\":\"{padding}\"}}\n").into_bytes()
}

/// A handle's line with an internal message inside, padded to that length without the newline.
fn internal_handle(length: usize) -> Vec<u8> {
    let around = b"{\"cmd\":\"NODE_HANDLE\",\"msg\":}";
    let inside = command("NODE_CLUSTER", length - around.len());
    let inside = std::str::from_utf8(&inside).unwrap().trim_end();
    format!("{{\"cmd\":\"NODE_HANDLE\",\"msg\":{inside}}}\n").into_bytes()
}

fn heard(limit: usize, line: &[u8]) -> Vec<Incoming> {
    feed(&mut Decoder::new(limit), line, Vec::new())
}

fn is_too_long(heard: &[Incoming], than: usize) -> bool {
    matches!(heard, [Incoming::Bad(BadLine::TooLong { limit })] if *limit == than)
}

#[test]
fn a_line_just_as_long_as_the_limit_passes_and_one_byte_more_does_not() {
    let around = |length: usize| length - 1..length + 2;
    let limits = (2..60).chain(around(READ)).chain(around(2 * READ)).chain([200_000]);
    for limit in limits {
        let passed = heard(limit, &text(limit));
        assert!(matches!(&passed[..], [Incoming::User(json)] if json.line_bytes() == limit + 1));
        assert!(is_too_long(&heard(limit, &text(limit + 1)), limit), "{limit}");
        assert!(is_too_long(&heard(limit, &text(2 * limit + READ)), limit), "{limit}");
    }
}

#[test]
fn an_internal_line_of_64_kib_passes_and_one_byte_more_does_not() {
    let both =
        |name: &str| [0, 1].map(|more| heard(NO_LIMIT, &command(name, INTERNAL_LIMIT + more)));
    for (name, expected) in [
        ("NODE_CLUSTER", "Cluster"),
        ("NODE_HANDLE_ACK", "Ack"),
        ("NODE_HANDLE_NACK", "Nack"),
        ("NODE_SOCKET_GET_COUNT", "SocketQuestion"),
        ("NODE_SOCKET_NOTIFY_CLOSE", "SocketQuestion"),
        ("NODE_NOBODY_KNOWS", ""),
    ] {
        let [passes, too_long] = both(name);
        let passes = passes.iter().map(|one| format!("{one:?}")).collect::<String>();
        assert!(
            passes.starts_with(expected) && passes.is_empty() == expected.is_empty(),
            "{passes}"
        );
        assert!(is_too_long(&too_long, INTERNAL_LIMIT), "{name}");
    }
    // What only looks like one is the user's.
    for name in ["NODE_", "xNODE_CLUSTER"] {
        assert!(both(name).iter().all(|heard| matches!(heard[..], [Incoming::User(_)])));
    }
}

#[test]
fn the_limit_of_internal_lines_holds_inside_a_handle_too_and_the_peer_goes_on() {
    let limit = 4 * INTERNAL_LIMIT;
    for (more, answer) in [(0, "internal: None"), (1, "too long: 65536")] {
        let (mut peer, (listener, ..)) = (Peer::with_limit(limit), tcp());
        let line = String::from_utf8(internal_handle(INTERNAL_LIMIT + more)).unwrap();
        peer.says_with(&line, &[listener.as_fd()]);
        peer.says(SERVER);
        peer.is_heard_as(&[answer]);
        // The second handle's descriptor is not the first one's.
        peer.is_answered(&format!("{ACK}{}", super::test_peer::NACK));
    }
    // A message of the user's may be longer.
    let long = format!(
        "{}{}\",\"msg\":1}}\n",
        SERVER.trim_end_matches("server\"}\n"),
        "x".repeat(INTERNAL_LIMIT)
    );
    let (mut peer, (listener, ..)) = (Peer::with_limit(limit), tcp());
    peer.says_with(&long, &[listener.as_fd()]);
    peer.is_heard_as(&["1 + Listener"]);
}

#[test]
fn an_internal_message_that_cannot_be_parsed_is_told_and_its_handle_acknowledged() {
    let deep = format!("{{\"cmd\":\"NODE_CLUSTER\",\"x\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let (mut peer, (listener, ..)) = (Peer::new(), tcp());
    peer.says(&format!("{deep}\n"));
    peer.says_with(
        &format!("{{\"cmd\":\"NODE_HANDLE\",\"msg\":{deep}}}\n2\n"),
        &[listener.as_fd()],
    );
    let told = "not JSON: \"{\\\"cmd\\\":\\\"NODE_CLUSTER\\\",\\\"x\\\":[[[[[[[[[[[[[[\"";
    peer.is_heard_as(&[told, told, "2"]);
    peer.is_answered(ACK);
}

#[test]
fn a_handle_over_the_limit_is_acknowledged_wherever_its_descriptor_comes() {
    let line = format!("{{\"cmd\":\"NODE_HANDLE\",\"msg\":\"{}\"}}\n", "x".repeat(2_000));
    let pieces =
        [&line[..7], &line[7..600], &line[600..1_200], &line[1_200..2_020], &line[2_020..]];
    for with in 0..=pieces.len() {
        let (mut peer, (listener, ..)) = (Peer::with_limit(500), tcp());
        let (travels, stays) = UnixStream::pair().unwrap();
        let mut travels = Some(travels);
        for (at, piece) in pieces.iter().enumerate() {
            match travels.take_if(|_| at == with) {
                Some(fd) => peer.says_with(piece, &[fd.as_fd()]),
                None => peer.says(piece),
            }
            let last = at + 1 == pieces.len();
            peer.is_heard_as(if last { &["too long: 500"] } else { &[] });
        }
        drop(travels); // at the end the kernel lost it
        assert!(is_closed(&stays), "{with}");
        peer.is_answered(ACK);
        peer.says_with(SERVER, &[listener.as_fd()]);
        peer.is_heard_as(&["\"server\" + Listener"]);
    }
}

#[test]
fn a_handle_over_the_limit_takes_its_own_descriptor_and_not_the_next_ones() {
    let (mut peer, (listener, stream, _)) = (Peer::with_limit(500), tcp());
    let start = format!("{{\"cmd\":\"NODE_HANDLE\",\"msg\":\"{}", "x".repeat(2_000));
    peer.says_with(&start, &[stream.as_fd()]);
    peer.is_heard_as(&[]);
    peer.says_with(&format!("\"}}\n{SERVER}"), &[listener.as_fd()]);
    peer.is_heard_as(&["too long: 500", "\"server\" + Listener"]);
    peer.is_answered(&ACK.repeat(2));
}

#[test]
fn a_descriptor_on_a_plain_line_over_the_limit_is_closed_and_nothing_is_acknowledged() {
    // Node ends with a failed assertion at an ACK that it does not wait for.
    for length in [501, 3_000] {
        let (mut peer, (listener, ..)) = (Peer::with_limit(500), tcp());
        let line = String::from_utf8(text(length)).unwrap();
        peer.says_with(&line, &[listener.as_fd()]);
        peer.is_heard_as(&["too long: 500", "unasked descriptor"]);
        peer.is_answered("");
    }
}

#[test]
fn the_start_of_a_handle_is_known_also_where_the_limit_is_shorter() {
    for limit in [2, HANDLE.len() - 1, HANDLE.len(), HANDLE.len() + 1] {
        let mut decoder = Decoder::new(limit);
        let mut told = Vec::new();
        for byte in SERVER.bytes() {
            told.extend(feed(&mut decoder, &[byte], Vec::new()));
        }
        assert!(matches!(told[..], [Incoming::BadHandle(BadLine::TooLong { .. })]), "{told:?}");
    }
}

#[test]
fn nothing_is_kept_of_a_line_over_the_limit_and_no_buffer_behind_it() {
    let mut decoder = Decoder::new(10 * READ);
    let mut most = 0;
    for _ in 0..1_000 {
        assert!(feed(&mut decoder, &[b'x'; 5_000], Vec::new()).is_empty());
        most = most.max(decoder.memory());
    }
    assert_eq!(most, 11 * READ);
    assert_eq!(decoder.memory(), READ);
    assert!(is_too_long(&feed(&mut decoder, b"\n", Vec::new()), 10 * READ));
}

#[test]
fn the_memory_of_a_long_message_goes_with_it() {
    let mut decoder = Decoder::new(NO_LIMIT);
    for length in [READ + 1, 5 * READ, 1_000_000] {
        let mut lines = text(length);
        lines.extend(text(5_000));
        let heard = feed(&mut decoder, &lines, Vec::new());
        let [Incoming::User(long), Incoming::User(short)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!((long.memory(), short.memory()), (length, 5_000));
        assert_eq!((long.to_string().len(), short.to_string().len()), (length, 5_000));
        assert_eq!(decoder.memory(), READ);
    }
}

#[test]
fn a_long_message_is_not_copied_out_of_the_buffer() {
    let mut decoder = Decoder::new(NO_LIMIT);
    let line = text(900_000);
    let (most, last) = line.split_at(890_000);
    feed(&mut decoder, most, Vec::new());
    let buffer = decoder.space().as_ptr().addr() - most.len();
    let heard = feed(&mut decoder, last, Vec::new());
    let [Incoming::User(long)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(long.place(), buffer);
}

#[test]
fn a_large_buffer_goes_also_if_there_was_more_behind_the_line_than_in_it() {
    let mut decoder = Decoder::new(NO_LIMIT);
    let line = text(4 * READ - 1_000);
    let (most, last) = line.split_at(line.len() - 10);
    feed(&mut decoder, most, Vec::new());
    let mut rest = last.to_vec();
    rest.extend(text(99).repeat((decoder.space().len() - 10) / 100));
    assert!(rest.len() > line.len());
    rest.truncate(rest.len() - 50);
    assert!(feed(&mut decoder, &rest, Vec::new()).len() > 2_000);
    assert_eq!(decoder.memory(), 8 * READ);
    feed(&mut decoder, b"x", Vec::new());
    assert!(decoder.memory() <= 4 * READ, "{}", decoder.memory());
}

#[test]
fn what_is_sent_may_be_as_long_as_the_limit_and_not_longer() {
    let (listener, ..) = tcp();
    let handle = Handle::from(listener);
    let bytes = |message: &Value| line(message, NO_LIMIT).unwrap().len() - 1;
    let in_wrapper = |message: &Value| handle_line(message, &handle, NO_LIMIT).unwrap().len() - 1;
    for message in [json!(1), json!(["x", {}]), json!("x".repeat(100_000))] {
        let (plain, wrapped) = (bytes(&message), in_wrapper(&message));
        assert_eq!(line(&message, plain).unwrap().len(), plain + 1);
        assert_eq!(handle_line(&message, &handle, wrapped).unwrap().len(), wrapped + 1);
        for limit in [0, plain / 2, plain - 1] {
            let refusal = line(&message, limit).unwrap_err();
            let Error::MessageTooLong { bytes, limit: told } = refusal else { panic!("{refusal}") };
            assert_eq!((bytes, told), (plain, limit));
        }
        let refusal = handle_line(&message, &handle, wrapped - 1).unwrap_err();
        let Error::MessageTooLong { bytes, .. } = refusal else { panic!("{refusal}") };
        assert_eq!(bytes, wrapped);
    }
}

#[test]
fn json_that_is_spread_over_lines_is_sent_on_one() {
    let mut spread = b"{\n\t\"a\": \"\\n\"\n}".to_vec();
    one_line(&mut spread);
    assert_eq!(spread, b"{ \t\"a\": \"\\n\" }");
}

proptest! {
    #[test]
    fn what_one_side_sends_the_other_takes_and_what_it_would_not_take_is_refused(
        letters in "[a-z\"\\\\é\n]{0,60}",
        limit in 2usize..100,
    ) {
        let taken = |line: &[u8]| matches!(heard(limit, line)[..], [Incoming::User(_)]);
        let whole = line(&letters, NO_LIMIT).unwrap();
        prop_assert_eq!(line(&letters, limit).ok(), taken(&whole).then_some(whole));
    }
}

#[test]
fn many_small_answers_to_a_peer_cost_no_more_than_their_bytes() {
    let mut peer = Peer::new();
    peer.says(&SERVER.repeat(100));
    assert_eq!(peer.channel.fill(), Ok(Filled::Data));
    assert!(peer.channel.next().is_none());
    assert_eq!(peer.channel.outbox().internal_bytes(), 100 * super::NACK.len());
}
