//! A side that has no room for descriptors reads without taking them, and has them sent again
//! later.

#![allow(clippy::unwrap_used)]

use std::os::fd::{AsFd, AsRawFd};

use super::test_peer::{ACK, NACK, Peer, SERVER, tcp};
use super::{Incoming, NACK as NACK_LINE};
use crate::channel::Filled;

#[test]
fn a_handle_read_without_descriptors_has_lost_its_own_and_none_is_opened() {
    let (mut peer, (listener, ..)) = (Peer::new(), tcp());
    peer.says_with(&format!("1\n{SERVER}2\n"), &[listener.as_fd()]);
    assert_eq!(peer.channel.fill_without_descriptors(), Ok(Filled::Data));
    assert_eq!(peer.channel.highest_descriptor(), None);
    peer.is_heard_as(&["1", "2"]);
    peer.is_answered(NACK);
    assert_eq!(peer.channel.fill_without_descriptors(), Ok(Filled::Nothing));
    drop(peer.socket);
    assert_eq!(peer.channel.fill_without_descriptors(), Ok(Filled::Closed));
}

#[test]
fn a_refusal_waits_until_there_is_room_and_then_the_handle_comes_again() {
    let (mut peer, (listener, ..)) = (Peer::new(), tcp());
    peer.channel.postpone_refusals(true);
    peer.says_with(SERVER, &[listener.as_fd()]);
    assert_eq!(peer.channel.fill_without_descriptors(), Ok(Filled::Data));
    peer.is_heard_as(&[]);
    assert!(!peer.channel.wants_write());
    peer.is_answered("");
    // Nothing else is held up.
    let (_, stream, _) = tcp();
    peer.says_with(SERVER, &[stream.as_fd()]);
    peer.is_heard_as(&["\"server\" + Stream"]);
    peer.is_answered(ACK);
    // It is memory of ours all the same.
    assert_eq!(peer.channel.outbox().internal_bytes(), NACK_LINE.len());

    peer.channel.postpone_refusals(false);
    assert!(peer.channel.wants_write());
    assert_eq!(peer.channel.outbox().internal_bytes(), NACK_LINE.len());
    peer.channel.flush().unwrap();
    peer.is_answered(NACK);
    assert_eq!(peer.channel.outbox().internal_bytes(), 0);
    peer.says_with(SERVER, &[listener.as_fd()]);
    peer.is_heard_as(&["\"server\" + Listener"]);
    peer.is_answered(ACK);
}

#[test]
fn each_postponed_refusal_is_said_and_later_ones_at_once() {
    let mut peer = Peer::new();
    peer.channel.postpone_refusals(true);
    peer.says(&SERVER.repeat(3));
    peer.is_heard_as(&[]);
    peer.channel.postpone_refusals(true);
    assert!(!peer.channel.wants_write());
    peer.channel.postpone_refusals(false);
    peer.channel.postpone_refusals(false);
    peer.says(SERVER);
    peer.is_heard_as(&[]);
    peer.is_answered(&NACK.repeat(4));
}

#[test]
fn the_highest_descriptor_of_a_read_is_told_also_of_those_that_were_closed() {
    let (mut peer, (listener, ..)) = (Peer::new(), tcp());
    assert_eq!(peer.channel.highest_descriptor(), None);
    // Only sixteen of them may wait for their lines. (Other tests open files meanwhile, so that no
    // number is certain.)
    for _ in 0..5 {
        peer.says_with(" ", &[listener.as_fd(); 4]);
        assert_eq!(peer.channel.fill(), Ok(Filled::Data));
        assert!(peer.channel.highest_descriptor() > Some(listener.as_raw_fd()));
    }
    peer.says("1\n");
    assert_eq!(peer.channel.fill(), Ok(Filled::Data));
    assert_eq!(peer.channel.highest_descriptor(), None);

    let mut peer = Peer::new();
    peer.says_with(SERVER, &[listener.as_fd()]);
    assert_eq!(peer.channel.fill(), Ok(Filled::Data));
    let highest = peer.channel.highest_descriptor();
    let Some(Incoming::UserWithHandle(_, fd)) = peer.channel.next() else { panic!() };
    assert_eq!(highest, Some(fd.as_raw_fd()));
}

#[test]
fn what_can_be_read_at_once_is_told_in_bytes() {
    let mut peer = Peer::new();
    assert_eq!(peer.channel.bytes_waiting(), 0);
    peer.says("1\n");
    peer.says("23\n");
    assert_eq!((peer.channel.bytes_waiting(), peer.channel.bytes_read()), (5, 0));
    assert_eq!(peer.channel.fill(), Ok(Filled::Data));
    assert_eq!((peer.channel.bytes_waiting(), peer.channel.bytes_read()), (0, 5));
    peer.is_heard_as(&["1", "23"]); // and reads again
    assert_eq!(peer.channel.bytes_read(), 0);
    assert_eq!(peer.channel.bytes_waiting(), 0);
}
