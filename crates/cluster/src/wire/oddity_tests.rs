//! What Node does badly with, or dies of, must do us no harm. Node's own behaviour stands in the
//! comment where ours differs.

#![allow(clippy::unwrap_used)]

use std::os::fd::AsFd;

use super::Incoming;
use super::test_peer::{ACK, NACK, Peer, SERVER, UDP4, tcp};
use crate::Message;
use crate::channel::Filled;

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
    let Some(Incoming::UserWithHandle(json, fd)) = peer.channel.next() else { panic!() };
    let (message, error) = Message::with_descriptor(json, fd);
    assert_eq!((message.text().as_deref(), message.handle.is_none()), (Some("server"), true));
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
fn of_a_line_that_is_no_json_forty_characters_are_told() {
    let mut peer = Peer::new();
    peer.says(&format!("{}\n{}\n", "\u{1f600}".repeat(41), "\u{1f600}".repeat(40)));
    let told = format!("not JSON: {:?}", "\u{1f600}".repeat(40));
    peer.is_heard_as(&[&told, &told]);
}

#[test]
fn a_message_knows_how_long_its_line_was_with_all_that_was_around_it() {
    let (mut peer, (listener, ..)) = (Peer::new(), tcp());
    peer.says(" \"1\"\r\n");
    peer.says_with(SERVER, &[listener.as_fd()]);
    assert_eq!(peer.channel.fill(), Ok(Filled::Data));
    let Some(Incoming::User(json)) = peer.channel.next() else { panic!() };
    assert_eq!(Message::from(json).line_bytes(), 6);
    let Some(Incoming::UserWithHandle(json, fd)) = peer.channel.next() else { panic!() };
    assert_eq!(Message::with_descriptor(json, fd).0.line_bytes(), SERVER.len());
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
