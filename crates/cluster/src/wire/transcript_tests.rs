//! Conversations of a real Node (v20.20.2), byte by byte: what we write is what Node writes, and
//! what Node writes we understand.

#![allow(clippy::unwrap_used)]

use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use super::test_peer::{ACK, NACK, Peer, SERVER, SOCKET, UDP4, tcp};
use super::{Envelope, Incoming};
use crate::Handle;
use crate::channel::{Filled, handle_line, line};

fn encoded(message: &impl serde::Serialize) -> String {
    String::from_utf8(line(message, usize::MAX).unwrap()).unwrap()
}

fn decoded(bytes: &str) -> Incoming {
    let mut peer = Peer::new();
    peer.says(bytes);
    assert_eq!(peer.channel.fill(), Ok(Filled::Data));
    let message = peer.channel.next().unwrap();
    assert!(peer.channel.next().is_none());
    message
}

const ONLINE: &str = "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\",\"seq\":0}\n";
const DISCONNECT: &str = "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"disconnect\",\"seq\":11}\n";
const ANNOUNCEMENT: &str =
    "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"exitedAfterDisconnect\",\"seq\":8}\n";
const ITS_ANSWER: &str = "{\"cmd\":\"NODE_CLUSTER\",\"ack\":8,\"seq\":10}\n";

#[test]
fn the_cluster_layer_is_written_as_node_writes_it() {
    assert_eq!(encoded(&Envelope::act("online", 0)), ONLINE);
    assert_eq!(encoded(&Envelope::act("disconnect", 11)), DISCONNECT);
    assert_eq!(encoded(&Envelope::act("exitedAfterDisconnect", 8)), ANNOUNCEMENT);
    assert_eq!(encoded(&Envelope::answer(8, 10)), ITS_ANSWER);
}

#[test]
fn the_cluster_layer_is_read_as_node_writes_it() {
    let transcript = [
        (ONLINE, Some("online"), None, 0),
        (DISCONNECT, Some("disconnect"), None, 11),
        (ANNOUNCEMENT, Some("exitedAfterDisconnect"), None, 8),
        (ITS_ANSWER, None, Some(8), 10),
    ];
    for (bytes, act, ack, seq) in transcript {
        let Incoming::Cluster(received) = decoded(bytes) else { panic!("{bytes}") };
        assert_eq!((received.act(), received.ack(), received.seq()), (act, ack, Some(seq)));
    }
}

#[test]
fn odd_fields_of_the_cluster_layer_are_as_good_as_absent() {
    for bytes in [
        "{\"cmd\":\"NODE_CLUSTER\"}\n",
        "{\"cmd\":\"NODE_CLUSTER\",\"act\":7,\"ack\":\"8\",\"seq\":-1}\n",
        "{\"cmd\":\"NODE_CLUSTER\",\"act\":null,\"ack\":null,\"seq\":1.5}\n",
    ] {
        let Incoming::Cluster(received) = decoded(bytes) else { panic!("{bytes}") };
        assert_eq!((received.act(), received.ack(), received.seq()), (None, None, None));
    }
}

/// As Node's `JSON.stringify` wrote it, the lone surrogate included.
const BATCH: &str = concat!(
    "\"str\"\n1.5\ntrue\nnull\n",
    r#"{"b":null,"c":"1970-01-01T00:00:00.000Z","d":0,"e":[null,null],"f":{"type":"Buffer","data":[104,105]},"nl":"a\nb"#,
    "\u{2028}\\ud800\u{e9}\"}\n[]\n{\"cmd\":\"NODE_\"}\n",
);

fn batch(surrogate: &str) -> Vec<Value> {
    let object = json!({
        "b": null, "c": "1970-01-01T00:00:00.000Z", "d": 0, "e": [null, null],
        "f": {"type": "Buffer", "data": [104, 105]},
        "nl": format!("a\nb\u{2028}{surrogate}\u{e9}"),
    });
    vec![
        json!("str"),
        json!(1.5),
        json!(true),
        json!(null),
        object,
        json!([]),
        json!({"cmd": "NODE_"}),
    ]
}

#[test]
fn a_batch_of_user_messages_is_read_and_the_lone_surrogate_replaced() {
    let mut peer = Peer::new();
    peer.says(BATCH);
    let expected: Vec<_> = batch("\u{fffd}").iter().map(Value::to_string).collect();
    peer.is_heard_as(&expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_batch_of_user_messages_is_written_as_node_writes_it() {
    // No Rust string holds half a surrogate pair, and serde_json sorts the fields of an object.
    let ours: String = batch("").iter().map(encoded).collect();
    let nodes = BATCH
        .replace("\\ud800", "")
        .replace(r#"{"type":"Buffer","data":[104,105]}"#, r#"{"data":[104,105],"type":"Buffer"}"#);
    assert_eq!(ours, nodes);
}

#[test]
fn handles_are_read_as_node_writes_them_and_each_is_acknowledged() {
    let (listener, stream, udp) = tcp();
    let mut peer = Peer::new();
    for (bytes, fd, heard) in [
        (SERVER, listener.as_fd(), "\"server\" + Listener"),
        (UDP4, udp.as_fd(), "\"udp\" + Datagram"),
        (SOCKET, stream.as_fd(), "{\"a\":\"accepted socket\"} + Stream"),
    ] {
        peer.says_with(bytes, &[fd]);
        peer.is_heard_as(&[heard]);
        peer.is_answered(ACK);
    }
}

#[test]
fn handles_are_written_as_node_writes_them() {
    let (listener, stream, udp) = tcp();
    let written = |message: Value, handle: &Handle| {
        String::from_utf8(handle_line(&message, handle, usize::MAX).unwrap()).unwrap()
    };
    assert_eq!(written(json!("server"), &listener.into()), SERVER);
    assert_eq!(written(json!("udp"), &udp.into()), UDP4);
    // Only sockets that came from a net.Server have a key, and we have no net.Server.
    let socket = SOCKET.replace(",\"key\":\"4:127.0.0.1:0\"", "");
    assert_eq!(written(json!({"a": "accepted socket"}), &stream.into()), socket);
    if let Ok(udp6) = UdpSocket::bind("[::1]:0") {
        assert_eq!(written(json!("udp"), &udp6.into()), UDP4.replace("udp4", "udp6"));
    }
}

#[test]
fn what_waits_behind_a_handle_goes_out_when_the_peer_has_it() {
    let (stream, _other_end) = UnixStream::pair().unwrap();
    let mut peer = Peer::new();
    peer.channel.push(SERVER.into(), Some(stream.into()));
    peer.channel.push(b"2\n".to_vec(), None);
    peer.channel.flush().unwrap();
    peer.is_answered(SERVER);
    peer.says(ACK);
    peer.is_heard_as(&[]);
    peer.is_answered("2\n");
}

#[test]
fn a_handle_that_the_peer_did_not_get_is_sent_again() {
    let (stream, _other_end) = UnixStream::pair().unwrap();
    let mut peer = Peer::new();
    peer.channel.push(SERVER.into(), Some(stream.into()));
    peer.channel.flush().unwrap();
    peer.is_answered(SERVER);
    peer.says(NACK);
    peer.is_heard_as(&["Nack"]);
    assert!(peer.channel.resend_handle().is_none());
    peer.channel.flush().unwrap();
    peer.is_answered(SERVER);
}

#[test]
fn questions_about_sockets_sent_earlier_are_answered() {
    let mut peer = Peer::new();
    peer.says("{\"cmd\":\"NODE_SOCKET_NOTIFY_CLOSE\",\"key\":\"4:127.0.0.1:0\"}\n");
    peer.is_heard_as(&[]);
    peer.is_answered("{\"cmd\":\"NODE_SOCKET_ALL_CLOSED\",\"key\":\"4:127.0.0.1:0\"}\n");
    peer.says("{\"cmd\":\"NODE_SOCKET_GET_COUNT\",\"key\":\"4:127.0.0.1:0\"}\n");
    peer.is_heard_as(&[]);
    peer.is_answered("{\"cmd\":\"NODE_SOCKET_COUNT\",\"key\":\"4:127.0.0.1:0\",\"count\":0}\n");
}
