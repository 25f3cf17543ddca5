//! The way out, act by act: what goes out when, and what is counted meanwhile.

#![allow(clippy::unwrap_used)]

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::outbox::GLUE;
use super::test_oracle::is_closed;
use super::{ACK, Line, NACK, Outbox};

fn line(text: &str) -> Line {
    Line::user(text.as_bytes().to_vec(), None)
}

fn handle(text: &str) -> Line {
    let (fd, _) = std::os::unix::net::UnixStream::pair().unwrap();
    Line::user(text.as_bytes().to_vec(), Some(fd.into()))
}

/// Writes all that may go out, `step` bytes at a time; `*` stands for a descriptor.
fn drain(outbox: &mut Outbox, step: usize) -> String {
    let mut out = String::new();
    while let Some((bytes, handle)) = outbox.chunk() {
        let count = bytes.len().min(step);
        if handle.is_some() {
            out.push('*');
        }
        out.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        outbox.wrote(count);
    }
    out
}

#[test]
fn lines_go_out_in_order_whatever_each_write_takes() {
    for step in 1..10 {
        let mut outbox = Outbox::default();
        for text in ["one\n", "two\n", "three\n"] {
            outbox.push(line(text));
        }
        assert_eq!(drain(&mut outbox, step), "one\ntwo\nthree\n");
        assert_eq!((outbox.user_bytes(), outbox.undelivered(), outbox.is_written()), (0, 0, true));
    }
}

#[test]
fn after_a_handle_all_but_answers_wait_for_its_ack() {
    let mut outbox = Outbox::default();
    for next in [line("a\n"), handle("b\n"), line("c\n"), handle("d\n"), line("e\n")] {
        outbox.push(next);
    }
    assert_eq!(drain(&mut outbox, 1), "a\n*b\n");
    assert!(!outbox.wants_write());
    outbox.answer(ACK);
    assert_eq!(drain(&mut outbox, 100).as_bytes(), ACK);
    outbox.acknowledged();
    assert_eq!(drain(&mut outbox, 100), "c\n*d\n");
    assert_eq!(outbox.undelivered(), 2);
    outbox.acknowledged();
    assert_eq!(drain(&mut outbox, 100), "e\n");
    assert_eq!(outbox.user_bytes(), 0);
}

#[test]
fn an_answer_never_cuts_a_line_in_two() {
    let mut outbox = Outbox::default();
    outbox.push(line("long line\n"));
    outbox.chunk();
    outbox.wrote(4);
    outbox.answer(b"ACK\n");
    assert_eq!(drain(&mut outbox, 100), " line\nACK\n");
}

#[test]
fn a_refused_handle_is_sent_again_first_and_given_up_after_three_times() {
    let mut outbox = Outbox::default();
    outbox.push(handle("h\n"));
    outbox.push(line("after\n"));
    for _ in 0..3 {
        assert_eq!(drain(&mut outbox, 100), "*h\n");
        assert!(outbox.refused().is_none());
    }
    assert_eq!(drain(&mut outbox, 100), "*h\n");
    assert!(outbox.refused().is_some());
    assert_eq!(drain(&mut outbox, 100), "after\n");
    assert_eq!(outbox.user_bytes(), 0);
}

fn of_length(length: usize) -> Line {
    Line::user(vec![b'x'; length], None)
}

/// The lengths of the writes if each takes all.
fn writes(outbox: &mut Outbox) -> Vec<usize> {
    std::iter::from_fn(|| {
        let count = outbox.chunk()?.0.len();
        outbox.wrote(count);
        Some(count)
    })
    .collect()
}

#[test]
fn lines_are_glued_up_to_exactly_64_kib() {
    for (first, second, expected) in [
        (GLUE - 10, 10, vec![GLUE]),
        (GLUE - 10, 11, vec![GLUE - 10, 11]),
        (GLUE, 1, vec![GLUE, 1]),
        (1, GLUE + 1, vec![1, GLUE + 1]),
    ] {
        let mut outbox = Outbox::default();
        outbox.push(of_length(first));
        outbox.push(of_length(second));
        assert_eq!((outbox.user_bytes(), outbox.undelivered()), (first + second, 2));
        assert_eq!(writes(&mut outbox), expected);
        assert_eq!((outbox.user_bytes(), outbox.undelivered()), (0, 0));
    }
}

#[test]
fn a_users_line_an_internal_one_and_a_handle_are_never_glued() {
    let internal = || Line::internal(b"in\n".to_vec(), None);
    for (one, other) in [(line("1\n"), internal()), (internal(), line("1\n"))] {
        let mut outbox = Outbox::default();
        outbox.push(one);
        outbox.push(other);
        assert_eq!(writes(&mut outbox).len(), 2);
    }
    let mut outbox = Outbox::default();
    [handle("h\n"), line("1\n")].into_iter().for_each(|line| outbox.push(line));
    assert_eq!(writes(&mut outbox), [2]);
    let mut outbox = Outbox::default();
    [line("1\n"), handle("h\n")].into_iter().for_each(|line| outbox.push(line));
    assert_eq!(writes(&mut outbox), [2, 2]);
}

#[test]
fn what_waits_is_counted_until_it_is_out_and_a_handle_until_it_is_acknowledged() {
    let mut outbox = Outbox::default();
    let counts =
        |outbox: &Outbox| (outbox.user_bytes(), outbox.internal_bytes(), outbox.undelivered());
    assert_eq!(
        (counts(&outbox), outbox.wants_write(), outbox.is_written()),
        ((0, 0, 0), false, true)
    );
    outbox.push(Line::internal(b"inside\n".to_vec(), None));
    outbox.push(Line::internal(b"too\n".to_vec(), None));
    outbox.push(handle("handle\n"));
    assert_eq!(
        (counts(&outbox), outbox.wants_write(), outbox.is_written()),
        ((7, 11, 1), true, false)
    );
    outbox.answer(ACK);
    outbox.answer(NACK);
    let answers = ACK.len() + NACK.len();
    assert_eq!(counts(&outbox), (7, 11 + answers, 1));

    // Answers and a line without a descriptor share a write.
    assert_eq!(outbox.chunk().unwrap().0.len(), answers + 11);
    outbox.wrote(answers);
    // Nothing is forgotten before all of it is out.
    assert_eq!(counts(&outbox), (7, 11 + answers, 1));
    assert_eq!(outbox.chunk().unwrap().0, b"inside\ntoo\n");
    outbox.wrote(11);
    assert_eq!(counts(&outbox), (7, 0, 1));

    // A descriptor goes with the first byte alone.
    assert!(outbox.chunk().unwrap().1.is_some());
    outbox.wrote(1);
    assert!(outbox.chunk().unwrap().1.is_none());
    assert!(outbox.wants_write() && !outbox.is_written());
    outbox.wrote(6);
    assert_eq!(
        (counts(&outbox), outbox.wants_write(), outbox.is_written()),
        ((7, 0, 1), false, true)
    );
    outbox.acknowledged();
    assert_eq!(counts(&outbox), (0, 0, 0));
}

#[test]
fn answers_alone_go_out_while_a_handle_waits_for_its_ack_or_is_next() {
    let mut outbox = Outbox::default();
    outbox.push(handle("h\n"));
    outbox.answer(ACK);
    assert_eq!(writes(&mut outbox), [ACK.len(), 2]);
    outbox.answer(ACK);
    assert!(!outbox.is_written());
    assert_eq!(writes(&mut outbox), [ACK.len()]);
    assert!(outbox.is_written());
    outbox.push(line("later\n"));
    outbox.answer(NACK);
    assert!(outbox.wants_write() && !outbox.is_written());
    assert_eq!(writes(&mut outbox), [NACK.len()]);
    assert_eq!(outbox.internal_bytes(), 0);
    assert!(!outbox.wants_write() && !outbox.is_written());
}

#[test]
fn what_a_peer_answers_unasked_changes_nothing() {
    let mut outbox = Outbox::default();
    outbox.push(handle("h\n"));
    outbox.acknowledged();
    assert!(outbox.refused().is_none());
    assert_eq!(drain(&mut outbox, 1), "*h\n");
    assert_eq!((outbox.user_bytes(), outbox.undelivered()), (2, 1));
}

#[test]
fn a_handle_that_is_given_up_comes_back_with_its_descriptor_and_is_not_counted_any_more() {
    let (socket, _other) = UnixStream::pair().unwrap();
    let number = socket.as_raw_fd();
    let mut outbox = Outbox::default();
    outbox.push(Line::internal(b"newconn\n".to_vec(), Some(Arc::new(socket.into()))));
    let given_up = (0..4).find_map(|_| {
        assert_eq!((drain(&mut outbox, 100).as_str(), outbox.internal_bytes()), ("*newconn\n", 8));
        outbox.refused()
    });
    let given_up = given_up.unwrap();
    assert_eq!(given_up.messages(), 0);
    assert_eq!(given_up.handle().unwrap().as_raw_fd(), number);
    assert_eq!((outbox.internal_bytes(), outbox.is_written()), (0, true));
}

#[test]
fn a_peer_that_takes_nothing_any_more_keeps_no_descriptor_open() {
    let pairs: Vec<_> = (0..3).map(|_| UnixStream::pair().unwrap()).collect();
    let mut others = Vec::new();
    let mut outbox = Outbox::default();
    for (ours, other) in pairs {
        outbox.push(Line::user(b"handle\n".to_vec(), Some(ours.into())));
        others.push(other);
    }
    writes(&mut outbox); // the first is in flight
    outbox.acknowledged();
    outbox.chunk().unwrap();
    outbox.wrote(3); // the second is half written, the third waits
    assert!(is_closed(&others[0]) && !is_closed(&others[1]) && !is_closed(&others[2]));
    outbox.close_handles();
    assert!(others.iter().all(is_closed));
    assert_eq!(outbox.undelivered(), 2);
}
