//! Properties of the way in: however the stream is cut, the same messages come out, each with its
//! own descriptor; and nothing that a peer can send does harm.

#![allow(clippy::unwrap_used)]

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::test_oracle::{Cut, NO_LIMIT, Plan, check, feed, is_closed, lines};
use super::{Decoder, Incoming};
use crate::channel::{Channel, Filled, handle_line, line};
use crate::{Handle, HandleKind};

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| json!(f64::from(number) / 8.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

#[derive(Clone, Debug)]
enum Said {
    User(Value),
    Handle(Value),
    Cluster(u64),
    Unknown,
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        json().prop_map(Said::User),
        json().prop_map(Said::Handle),
        any::<u32>().prop_map(|seq| Said::Cluster(seq.into())),
        Just(Said::Unknown),
    ]
}

/// What a descriptor refers to: the same for all its copies.
fn identity(fd: impl AsFd) -> u64 {
    nix::sys::stat::fstat(fd).unwrap().st_ino
}

/// A line with the descriptor that travels with its first byte.
fn encode(said: &Said) -> (Vec<u8>, Option<OwnedFd>) {
    match said {
        Said::User(value) => (line(value, NO_LIMIT).unwrap(), None),
        Said::Handle(value) => {
            let handle = Handle::new(UnixStream::pair().unwrap().0.into()).unwrap();
            assert_eq!(handle.kind(), HandleKind::Stream);
            (handle_line(value, &handle, NO_LIMIT).unwrap(), Some(handle.into_fd()))
        }
        Said::Cluster(seq) => {
            (line(&super::Envelope::act("online", *seq), NO_LIMIT).unwrap(), None)
        }
        Said::Unknown => (b"{\"cmd\":\"NODE_X\",\"msg\":1}\n".to_vec(), None),
    }
}

/// The same in short, with the identity of the descriptor.
fn told(said: &Said, fd: Option<u64>) -> Option<String> {
    Some(match said {
        Said::User(value) => format!("user {value}"),
        Said::Handle(value) => format!("handle {value} {}", fd.unwrap()),
        Said::Cluster(seq) => format!("cluster {seq}"),
        Said::Unknown => return None,
    })
}

fn heard(incoming: &Incoming) -> String {
    match incoming {
        Incoming::User(json) => format!("user {json}"),
        Incoming::UserWithHandle(json, fd) => format!("handle {json} {}", identity(fd)),
        Incoming::Cluster(received) => format!("cluster {}", received.seq().unwrap()),
        other => panic!("{other:?}"),
    }
}

fn plan(limit: usize, cuts: Vec<(usize, usize)>, withheld: bool) -> Plan {
    let reads = cuts.into_iter().map(|(length, strays)| Cut { length, strays }).collect();
    Plan { limit, withheld, reads }
}

/// What somebody may write who knows the protocol a little.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..20),
        Just(b"\n".to_vec()),
        Just(b"{\"cmd\":\"NODE_HANDLE\",\"msg\":".to_vec()),
        Just(b"{\"cmd\":\"NODE_HANDLE\",\"msg\":{\"cmd\":\"NODE_CLUSTER\"}}\n".to_vec()),
        Just(b"{\"cmd\":\"NODE_HANDLE_ACK\"}\n".to_vec()),
        Just(b"{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\"}\n".to_vec()),
        Just(b"{\"cmd\":\"NODE_SOCKET_GET_COUNT\"}\n".to_vec()),
        Just(b"\"\\ud800".to_vec()),
        Just(b"1}\n".to_vec()),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn however_the_stream_is_cut_each_message_comes_with_its_own_descriptor(
        messages in vec(said(), 0..12),
        cuts in vec((1usize..60, Just(0)), 0..60),
        withheld in any::<bool>(),
    ) {
        let lines: Vec<_> = messages.iter().map(|said| encode(said).0).collect();
        plan(NO_LIMIT, cuts, withheld).check(&lines);
    }

    #[test]
    fn garbage_does_no_harm_and_leaves_no_descriptor_open(
        garbage in vec(garbage(), 0..12),
        cuts in vec((1usize..60, 0usize..3), 0..60),
        limit in prop_oneof![Just(30), Just(NO_LIMIT)],
    ) {
        plan(limit, cuts, false).check(&lines(&garbage.concat()));
    }

    #[test]
    fn lines_over_the_limit_are_passed_over_and_all_others_are_read(
        lengths in vec(2usize..120, 0..12),
        cuts in vec((1usize..100, Just(0)), 0..30),
    ) {
        let line = |length| format!("\"{}\"\n", "x".repeat(length - 2)).into_bytes();
        let lines: Vec<_> = lengths.into_iter().map(line).collect();
        plan(60, cuts, false).check(&lines);
    }

    #[test]
    fn two_channels_that_talk_both_ways_lose_nothing_and_keep_the_order(
        there in vec(said(), 0..20),
        back in vec(said(), 0..20),
    ) {
        let (one, other) = UnixStream::pair().unwrap();
        let mut ends = [one, other].map(|socket| Channel::new(socket.into(), NO_LIMIT));
        let mut expected = [Vec::new(), Vec::new()];
        for (from, messages) in [there, back].iter().enumerate() {
            for said in messages {
                let (bytes, fd) = encode(said);
                expected[1 - from].extend(told(said, fd.as_ref().map(identity)));
                ends[from].push(bytes, fd);
            }
        }
        let mut got = [Vec::new(), Vec::new()];
        let mut kept = Vec::new();
        let mut quiet = 0;
        while quiet < 2 {
            quiet += 1;
            for at in 0..2 {
                ends[at].flush().unwrap();
                if ends[at].fill().unwrap() == Filled::Data {
                    quiet = 0;
                }
                while let Some(incoming) = ends[at].next() {
                    got[at].push(heard(&incoming));
                    kept.push(incoming);
                }
            }
        }
        prop_assert_eq!(got, expected);
        prop_assert!(ends.iter().all(|end| end.outbox().undelivered() == 0));
    }
}

#[test]
fn a_peer_that_sends_descriptors_and_never_a_newline_cannot_fill_the_table_of_open_files() {
    let mut decoder = Decoder::new(NO_LIMIT);
    let mut other_ends = Vec::new();
    for _ in 0..200 {
        let (travels, stays) = UnixStream::pair().unwrap();
        other_ends.push(stays);
        feed(&mut decoder, b" ", vec![travels.into()]);
    }
    let open = other_ends.iter().filter(|end| !is_closed(end)).count();
    assert!(open <= 16, "{open} descriptors wait for a line that never ends");
}

#[test]
fn what_fuzzing_found_worth_keeping_does_no_harm() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/decoder");
    let inputs: Vec<_> = corpus.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!inputs.is_empty());
    for input in inputs {
        let told = std::panic::catch_unwind(|| check(&std::fs::read(&input).unwrap()));
        assert!(told.is_ok(), "{}", input.display());
    }
}

#[test]
fn the_memory_of_a_long_line_is_given_back_also_while_the_next_one_is_half_read() {
    let line = |length| format!("\"{}\"\n", "x".repeat(length)).into_bytes();
    plan(NO_LIMIT, vec![(1_000, 0); 1_010], false).check(&[line(1_000_000), line(20_000)]);
}
