//! Conversations of a real Node (v20.20.2), byte by byte: what we write is what Node writes, and what Node writes we
//! understand. Then the odd ones: what Node does badly with, or dies of, must do us no harm.

#![allow(clippy::unwrap_used)]

use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde_json::{Value, json};

use super::{BadLine, Envelope, Incoming};
use crate::channel::{Channel, Filled, line};
use crate::primary::handle_line;
use crate::{Handle, Message};

/// The other end of a channel, in the hands of somebody who writes whatever he likes.
struct Peer {
    socket: UnixStream,
    channel: Channel,
}

impl Peer {
    fn new() -> Peer {
        let (socket, ours) = UnixStream::pair().unwrap();
        socket.set_nonblocking(true).unwrap();
        Peer { socket, channel: Channel::new(ours.into()) }
    }

    fn says(&mut self, bytes: &str) {
        (&self.socket).write_all(bytes.as_bytes()).unwrap();
    }

    /// One sendmsg(2) with descriptors.
    fn says_with(&mut self, bytes: &str, fds: &[BorrowedFd<'_>]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(fds)));
        let bytes = [IoSlice::new(bytes.as_bytes())];
        sendmsg(&self.socket, &bytes, &mut control, SendFlags::empty()).unwrap();
    }

    /// All that our side makes of what was said so far, in short.
    fn is_heard_as(&mut self, expected: &[&str]) {
        let mut heard = Vec::new();
        while self.channel.fill().unwrap() == Filled::Data {
            heard.extend(std::iter::from_fn(|| self.channel.next()).map(|one| in_short(&one)));
            self.channel.flush().unwrap();
        }
        assert_eq!(heard, expected);
    }

    fn is_answered(&mut self, expected: &str) {
        let mut answers = Vec::new();
        let _ = (&self.socket).read_to_end(&mut answers); // until it would block
        assert_eq!(String::from_utf8(answers).unwrap(), expected);
    }
}

fn in_short(incoming: &Incoming) -> String {
    match incoming {
        Incoming::User(value) => value.to_string(),
        Incoming::UserWithHandle(value, fd) => {
            let kind = Handle::new(fd.try_clone().unwrap()).map(|handle| handle.kind());
            kind.map_or(format!("{value} + no socket"), |kind| format!("{value} + {kind:?}"))
        }
        Incoming::ClusterWithHandle(received, _) => format!("internal: {:?}", received.act()),
        Incoming::Bad(BadLine::NotJson { start, .. }) => format!("not JSON: {start:?}"),
        Incoming::Bad(BadLine::UnaskedDescriptor) => "unasked descriptor".into(),
        other => format!("{other:?}"),
    }
}

fn encoded(message: &impl serde::Serialize) -> String {
    String::from_utf8(line(message).unwrap()).unwrap()
}

fn decoded(bytes: &str) -> Incoming {
    let mut peer = Peer::new();
    peer.says(bytes);
    assert_eq!(peer.channel.fill(), Ok(Filled::Data));
    let message = peer.channel.next().unwrap();
    assert!(peer.channel.next().is_none());
    message
}

const ACK: &str = "{\"cmd\":\"NODE_HANDLE_ACK\"}\n";
const NACK: &str = "{\"cmd\":\"NODE_HANDLE_NACK\"}\n";

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

const SERVER: &str = "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Server\",\"msg\":\"server\"}\n";
const UDP4: &str =
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"dgram.Socket\",\"msg\":\"udp\",\"dgramType\":\"udp4\"}\n";
const SOCKET: &str = "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":{\"a\":\"accepted socket\"},\"key\":\"4:127.0.0.1:0\"}\n";

fn tcp() -> (TcpListener, TcpStream, UdpSocket) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener, stream, UdpSocket::bind("127.0.0.1:0").unwrap())
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
        String::from_utf8(handle_line(&message, handle).unwrap()).unwrap()
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

// The table of odd bytes. Node's own behaviour is in the comment where ours differs.

#[test]
fn a_descriptor_may_come_with_the_first_piece_of_its_line() {
    let (mut peer, (listener, ..)) = (Peer::new(), tcp());
    let (first, last) = SERVER.split_at(20);
    peer.says_with(first, &[listener.as_fd()]);
    peer.is_heard_as(&[]);
    peer.says(last);
    peer.is_heard_as(&["\"server\" + Listener"]);
    peer.is_answered(ACK);
}

#[test]
fn a_descriptor_may_come_with_the_last_piece_of_its_line() {
    let (mut peer, (listener, ..)) = (Peer::new(), tcp());
    let (first, last) = SERVER.split_at(20);
    peer.says(first);
    peer.is_heard_as(&[]);
    peer.says_with(last, &[listener.as_fd()]);
    peer.is_heard_as(&["\"server\" + Listener"]);
    peer.is_answered(ACK);
}

#[test]
fn a_plain_line_and_a_handle_in_one_write_come_in_order() {
    let (mut peer, (listener, ..)) = (Peer::new(), tcp());
    peer.says_with(&format!("1\n{SERVER}"), &[listener.as_fd()]);
    peer.is_heard_as(&["1", "\"server\" + Listener"]);
}

#[test]
fn a_handle_and_a_plain_line_in_one_write_come_in_order() {
    // Node delivers the plain line first.
    let (mut peer, (listener, ..)) = (Peer::new(), tcp());
    peer.says_with(&format!("{SERVER}2\n"), &[listener.as_fd()]);
    peer.is_heard_as(&["\"server\" + Listener", "2"]);
}

#[test]
fn two_handles_without_waiting_in_between_both_arrive() {
    let (mut peer, (listener, _, udp)) = (Peer::new(), tcp());
    peer.says_with(SERVER, &[listener.as_fd()]);
    peer.says_with(UDP4, &[udp.as_fd()]);
    peer.is_heard_as(&["\"server\" + Listener", "\"udp\" + Datagram"]);
    peer.is_answered(&ACK.repeat(2));
}

#[test]
fn of_two_descriptors_on_one_handle_the_second_is_closed() {
    // Node keeps it open, for the next handle.
    let (mut peer, (listener, _, udp)) = (Peer::new(), tcp());
    peer.says_with(SERVER, &[listener.as_fd(), udp.as_fd()]);
    peer.says("2\n");
    peer.is_heard_as(&["\"server\" + Listener", "unasked descriptor", "2"]);
    peer.is_answered(ACK);
}

#[test]
fn a_descriptor_on_a_plain_line_is_closed_and_not_given_to_a_later_handle() {
    // Node gives it to the later one.
    let (mut peer, (listener, ..)) = (Peer::new(), tcp());
    peer.says_with("1\n", &[listener.as_fd()]);
    peer.says(SERVER);
    peer.is_heard_as(&["1", "unasked descriptor"]);
    peer.is_answered(NACK);
}

#[test]
fn a_handle_without_descriptor_is_refused_and_not_delivered() {
    let mut peer = Peer::new();
    peer.says(SERVER);
    peer.is_heard_as(&[]);
    peer.is_answered(NACK);
}

#[test]
fn a_regular_file_is_acknowledged_and_delivered_as_a_message_without_a_socket() {
    // Node aborts.
    let mut peer = Peer::new();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    peer.says_with(SERVER, &[file.as_fd()]);
    assert_eq!(peer.channel.fill(), Ok(Filled::Data));
    let Some(Incoming::UserWithHandle(value, fd)) = peer.channel.next() else { panic!() };
    let (message, error) = Message::with_descriptor(value, fd);
    assert_eq!((message.as_str(), message.handle.is_none()), (Some("server"), true));
    assert!(matches!(error, Some(crate::Error::UnexpectedDescriptor)));
}

#[test]
fn the_kernel_says_what_a_socket_is_whatever_its_type_claims() {
    // Node acknowledges an unknown type, then dies of it.
    let (mut peer, (listener, stream, _)) = (Peer::new(), tcp());
    peer.says_with(&SERVER.replace("net.Server", "net.Native"), &[stream.as_fd()]);
    peer.says_with(&SERVER.replace("net.Server", "no such type"), &[listener.as_fd()]);
    peer.is_heard_as(&["\"server\" + Stream", "\"server\" + Listener"]);
    peer.is_answered(&ACK.repeat(2));
}

#[test]
fn a_line_that_is_no_json_is_told_and_the_next_one_is_read() {
    // Node dies.
    let mut peer = Peer::new();
    peer.says("{oops\n\n1\n\r\n{\"a\":1}\r\n");
    let bad = ["not JSON: \"{oops\"", "not JSON: \"\"", "1", "not JSON: \"\\r\"", "{\"a\":1}"];
    peer.is_heard_as(&bad);
}

#[test]
fn an_unknown_internal_message_is_never_the_users_also_inside_a_handle() {
    let (mut peer, (listener, ..)) = (Peer::new(), tcp());
    peer.says("{\"cmd\":\"NODE_X\"}\n{\"cmd\":\"NODE_DEBUG_ENABLED\"}\n1\n");
    peer.is_heard_as(&["1"]);
    let inside =
        "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"cmd\":\"NODE_X\"}}\n2\n";
    peer.says_with(inside, &[listener.as_fd()]);
    // The primary and the worker know no such act.
    peer.is_heard_as(&["internal: None", "2"]);
    peer.is_answered(ACK);
}

#[test]
fn half_a_line_and_then_the_end_is_no_message() {
    let mut peer = Peer::new();
    peer.says("1\n{\"half\":");
    peer.socket.shutdown(std::net::Shutdown::Write).unwrap();
    peer.is_heard_as(&["1"]);
    assert_eq!(peer.channel.fill(), Ok(Filled::Closed));
    assert!(peer.channel.next().is_none());
}
