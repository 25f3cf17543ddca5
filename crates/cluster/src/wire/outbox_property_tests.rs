//! Properties of the way out: no step size, no order of acknowledgements changes the bytes.

#![allow(clippy::unwrap_used)]

use std::os::unix::net::UnixStream;

use proptest::prelude::*;

use super::{ACK, Line, NACK, Outbox};

#[derive(Clone, Debug)]
enum Kind {
    Internal,
    User,
    Handle,
}

fn lines() -> impl Strategy<Value = Vec<(Kind, String)>> {
    let kind =
        prop_oneof![1 => Just(Kind::Internal), 3 => Just(Kind::User), 1 => Just(Kind::Handle)];
    proptest::collection::vec((kind, "[a-z]{0,40}\n"), 0..20)
}

fn push(outbox: &mut Outbox, (kind, text): &(Kind, String)) {
    let bytes = text.clone().into_bytes();
    outbox.push(match kind {
        Kind::Internal => Line::internal(bytes, None),
        Kind::User => Line::user(bytes, None),
        Kind::Handle => Line::user(bytes, Some(UnixStream::pair().unwrap().0.into())),
    });
}

/// The bytes as they should go out; `*` stands for a descriptor.
fn expected(lines: &[(Kind, String)]) -> String {
    let star = |kind: &Kind| if matches!(kind, Kind::Handle) { "*" } else { "" };
    lines.iter().map(|(kind, text)| format!("{}{text}", star(kind))).collect()
}

proptest! {
    #[test]
    fn whatever_each_write_takes_the_same_bytes_go_out(
        lines in lines(),
        steps in proptest::collection::vec(1usize..30, 1..10),
        early in 0usize..20,
    ) {
        let mut steps = steps.iter().cycle();
        let mut outbox = Outbox::default();
        let mut out = String::new();
        let early = early.min(lines.len());
        lines[..early].iter().for_each(|line| push(&mut outbox, line));
        let mut late = lines[early..].iter();
        loop {
            if let Some((bytes, handle)) = outbox.chunk() {
                let count = bytes.len().min(*steps.next().unwrap());
                if handle.is_some() {
                    out.push('*');
                }
                out.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
                outbox.wrote(count);
            } else if !outbox.is_written() || outbox.undelivered() > 0 {
                prop_assert!(!outbox.wants_write());
                outbox.acknowledged();
            } else if late.len() == 0 {
                break;
            }
            late.by_ref().take(1).for_each(|line| push(&mut outbox, line));
        }
        prop_assert_eq!(out, expected(&lines));
        prop_assert_eq!((outbox.user_bytes(), outbox.undelivered()), (0, 0));
    }

    #[test]
    fn the_count_of_waiting_bytes_never_lies(
        lines in lines(),
        acts in proptest::collection::vec((0u8..5, 1usize..50), 0..80),
    ) {
        let mut outbox = Outbox::default();
        let mut pushed = lines.iter();
        let user = |(kind, text): &(Kind, String)| {
            if matches!(kind, Kind::Internal) { 0 } else { text.len() }
        };
        let mut total = 0;
        for (act, count) in acts {
            match act {
                0 => if let Some(line) = pushed.next() {
                    push(&mut outbox, line);
                    total += user(line);
                },
                1 | 2 => if let Some(length) = outbox.chunk().map(|(bytes, _)| bytes.len()) {
                    outbox.wrote(count.min(length));
                },
                // A peer may answer what nobody asked.
                3 => outbox.acknowledged(),
                _ => { outbox.refused(); }
            }
            prop_assert!(outbox.user_bytes() <= total);
            prop_assert_eq!(outbox.user_bytes() > 0, outbox.undelivered() > 0);
        }
        while outbox.undelivered() > 0 {
            if let Some(length) = outbox.chunk().map(|(bytes, _)| bytes.len()) {
                outbox.wrote(length);
            } else {
                outbox.acknowledged();
            }
        }
        prop_assert_eq!(outbox.user_bytes(), 0);
    }

    #[test]
    fn answers_stand_between_lines_never_inside(
        lines in lines(),
        acts in proptest::collection::vec((any::<bool>(), 1usize..50), 0..80),
    ) {
        let mut outbox = Outbox::default();
        lines.iter().for_each(|line| push(&mut outbox, line));
        let (mut out, mut answers) = (Vec::new(), 0);
        let mut acts = acts.into_iter();
        loop {
            let (answer, step) = acts.next().unwrap_or((false, 1000));
            if answer {
                outbox.answer(if step % 2 == 0 { ACK } else { NACK });
                answers += 1;
            }
            if let Some((bytes, _)) = outbox.chunk() {
                let count = bytes.len().min(step);
                out.extend_from_slice(&bytes[..count]);
                outbox.wrote(count);
            } else if outbox.undelivered() > 0 {
                outbox.acknowledged();
            } else if acts.len() == 0 && !outbox.wants_write() {
                break;
            }
        }
        let out = String::from_utf8(out).unwrap();
        let (found, rest): (Vec<_>, Vec<_>) =
            out.split_inclusive('\n').partition(|line| line.starts_with("{\"cmd\":\"NODE_HANDLE_"));
        prop_assert_eq!(found.len(), answers);
        prop_assert!(found.iter().all(|line| [ACK, NACK].contains(&line.as_bytes())));
        prop_assert_eq!(rest.concat(), expected(&lines).replace('*', ""));
    }
}
