//! Properties of the way in: however the stream is cut, the same messages come out, each with its own descriptor; and
//! nothing that a peer can send does harm.

#![allow(clippy::unwrap_used)]

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{BadLine, Decoder, Incoming, MAX_LINE};
use crate::channel::{Channel, Filled, line};
use crate::primary::handle_line;
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

/// A new socket, and the end that says whether somebody still holds it.
fn socket() -> (OwnedFd, UnixStream) {
    let (travels, stays) = UnixStream::pair().unwrap();
    stays.set_nonblocking(true).unwrap();
    (travels.into(), stays)
}

fn is_closed(other_end: &UnixStream) -> bool {
    matches!(std::io::Read::read(&mut &*other_end, &mut [0]), Ok(0))
}

/// A line with the descriptor that travels with its first byte.
fn encode(said: &Said) -> (Vec<u8>, Option<OwnedFd>) {
    match said {
        Said::User(value) => (line(value).unwrap(), None),
        Said::Handle(value) => {
            let handle = Handle::new(socket().0).unwrap();
            assert_eq!(handle.kind(), HandleKind::Stream);
            (handle_line(value, &handle).unwrap(), Some(handle.into_fd()))
        }
        Said::Cluster(seq) => (line(&super::Envelope::act("online", *seq)).unwrap(), None),
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
        Incoming::User(value) => format!("user {value}"),
        Incoming::UserWithHandle(value, fd) => format!("handle {value} {}", identity(fd)),
        Incoming::Cluster(received) => format!("cluster {}", received.seq().unwrap()),
        other => panic!("{other:?}"),
    }
}

/// Gives the decoder one read.
fn feed(decoder: &mut Decoder, mut bytes: &[u8], mut fds: Vec<OwnedFd>) -> Vec<Incoming> {
    let mut all = Vec::new();
    loop {
        let space = decoder.space();
        let count = bytes.len().min(space.len());
        space[..count].copy_from_slice(&bytes[..count]);
        decoder.received(count, std::mem::take(&mut fds));
        all.extend(std::iter::from_fn(|| decoder.next()));
        bytes = &bytes[count..];
        if bytes.is_empty() {
            return all;
        }
    }
}

/// Cuts a stream into reads: each takes the descriptors of those lines that begin in it.
fn reads(stream: Vec<(Vec<u8>, Option<OwnedFd>)>, sizes: &[usize]) -> Vec<(Vec<u8>, Vec<OwnedFd>)> {
    let (mut bytes, mut starts) = (Vec::new(), Vec::new());
    for (line, fd) in stream {
        starts.extend(fd.map(|fd| (bytes.len(), fd)));
        bytes.extend(line);
    }
    let mut starts = starts.into_iter().peekable();
    let (mut at, mut reads) = (0, Vec::new());
    for size in sizes.iter().cycle() {
        if at == bytes.len() {
            break;
        }
        let end = bytes.len().min(at + size);
        let fds = std::iter::from_fn(|| starts.next_if(|(start, _)| *start < end));
        reads.push((bytes[at..end].to_vec(), fds.map(|(_, fd)| fd).collect()));
        at = end;
    }
    reads
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
        sizes in vec(1usize..60, 1..8),
    ) {
        let stream: Vec<_> = messages.iter().map(encode).collect();
        let expected: Vec<_> = messages
            .iter()
            .zip(&stream)
            .filter_map(|(said, (_, fd))| told(said, fd.as_ref().map(identity)))
            .collect();
        let mut decoder = Decoder::new(MAX_LINE);
        let mut got = Vec::new();
        let mut kept = Vec::new(); // or the kernel could use an identity twice
        for (bytes, fds) in reads(stream, &sizes) {
            let incoming = feed(&mut decoder, &bytes, fds);
            got.extend(incoming.iter().map(heard));
            kept.extend(incoming);
        }
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn garbage_does_no_harm_and_leaves_no_descriptor_open(
        reads in vec((garbage(), 0usize..3), 0..12),
        limit in prop_oneof![Just(30), Just(MAX_LINE)],
    ) {
        let mut decoder = Decoder::new(limit);
        let mut other_ends = Vec::new();
        for (bytes, count) in reads {
            let (fds, ends): (Vec<_>, Vec<_>) = (0..count).map(|_| socket()).unzip();
            other_ends.extend(ends);
            feed(&mut decoder, &bytes, fds);
        }
        // Whatever line was under way is over now, and all that could claim a descriptor is decoded.
        let rest = feed(&mut decoder, b"\n", Vec::new());
        drop(rest);
        prop_assert!(other_ends.iter().all(is_closed));
        let next = feed(&mut decoder, b"1\n", Vec::new());
        prop_assert!(matches!(&next[..], [Incoming::User(value)] if *value == json!(1)));
    }

    #[test]
    fn lines_over_the_limit_are_passed_over_and_all_others_are_read(
        lengths in vec(2usize..120, 0..12),
        sizes in vec(1usize..100, 1..8),
    ) {
        const LIMIT: usize = 60;
        let stream = lengths.iter().map(|length| {
            (format!("\"{}\"\n", "x".repeat(length - 2)).into_bytes(), None)
        });
        let mut decoder = Decoder::new(LIMIT);
        let mut got = Vec::new();
        for (bytes, fds) in reads(stream.collect(), &sizes) {
            got.extend(feed(&mut decoder, &bytes, fds));
        }
        prop_assert_eq!(got.len(), lengths.len());
        for (incoming, length) in got.iter().zip(lengths) {
            match incoming {
                Incoming::User(value) => {
                    prop_assert!(length <= LIMIT);
                    prop_assert_eq!(value.as_str().unwrap().len(), length - 2);
                }
                Incoming::Bad(BadLine::TooLong { limit: LIMIT }) => prop_assert!(length > LIMIT),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn two_channels_that_talk_both_ways_lose_nothing_and_keep_the_order(
        there in vec(said(), 0..20),
        back in vec(said(), 0..20),
    ) {
        let (one, other) = UnixStream::pair().unwrap();
        let mut ends = [one, other].map(|socket| Channel::new(socket.into()));
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
    let mut decoder = Decoder::new(MAX_LINE);
    let mut other_ends = Vec::new();
    for _ in 0..200 {
        let (fd, end) = socket();
        other_ends.push(end);
        feed(&mut decoder, b" ", vec![fd]);
    }
    let open = other_ends.iter().filter(|end| !is_closed(end)).count();
    assert!(open <= 16, "{open} descriptors wait for a line that never ends");
}
