//! The visitors that come along with the lesson, and whom they met.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use cluster::{Address, SchedulingPolicy, Waker};
use narrator::Story;
use visitors::{Seen, Visitor};

/// In front of what chance decides, and differs from run to run.
const MARGIN: &str = "  | ";

/// Where visitors can go. `None`: nobody listens there for them.
pub(crate) fn way_to(address: &Address) -> Option<Visitor> {
    let mut address = match address {
        Address::Tcp(address) => *address,
        Address::AnyTcp(port) => (Ipv4Addr::LOCALHOST, *port).into(),
        _ => return None,
    };
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            address.set_ip(Ipv6Addr::LOCALHOST.into());
        }
        _ => {}
    }
    Visitor::new(address).ok()
}

/// What a person may type into a browser.
pub(crate) fn shown(address: &Address) -> String {
    match address {
        Address::Tcp(address) => format!("http://{address}/"),
        Address::AnyTcp(port) => format!("http://127.0.0.1:{port}/"),
        other => other.to_string(),
    }
}

/// Lets visitors come in a thread of its own, and wakes the primary when all
/// have been there: it hands out their connections meanwhile.
pub(crate) fn come(
    visitor: Visitor,
    visits: u32,
    waker: Waker,
) -> Receiver<Vec<Seen>> {
    let (done, seen) = channel();
    thread::spawn(move || {
        let seen = visitor.one_by_one("/", visits as usize);
        let _ = done.send(seen); // nobody listens after a failure
        waker.wake();
    });
    seen
}

/// Who answered: the last word of `hello from Rust`.
pub(crate) fn language(seen: &Seen) -> String {
    match &seen.result {
        Ok(answer) => {
            let text = answer.text();
            text.split_whitespace().last().unwrap_or("nobody").to_owned()
        }
        Err(trouble) => trouble.to_string(),
    }
}

/// Who answered, in order, as far as a line reaches.
pub(crate) fn order(answered: &[String]) -> String {
    let mut line = format!("{MARGIN}answered in");
    for language in answered {
        if line.len() + language.len() > 75 {
            line.push_str(" ...");
            break;
        }
        let _ = write!(line, " {language}"); // a String takes everything
    }
    line
}

/// How often each thing was met, in the order in which it was met first.
pub(crate) fn tally(met: Vec<String>) -> Vec<(String, usize)> {
    let mut tally: Vec<(String, usize)> = Vec::new();
    for what in met {
        match tally.iter_mut().find(|(other, _)| *other == what) {
            Some((_, count)) => *count += 1,
            None => tally.push((what, 1)),
        }
    }
    tally
}

/// `is answered 6 times in Rust, 6 times in Node`; in the margin, where it is
/// chance.
pub(crate) fn tell_answered(
    story: &Story,
    met: Vec<String>,
    policy: SchedulingPolicy,
) {
    let mut tally = tally(met);
    tally.sort_by(|one, other| other.cmp(one)); // Rust first
    let times = |(language, count)| format!("{count} times in {language}");
    let times: Vec<String> = tally.into_iter().map(times).collect();
    let answered = format!("is answered {}", times.join(", "));
    match policy {
        SchedulingPolicy::Shared => {
            story.show(format!("{MARGIN}visitor   {answered}"));
        }
        _ => story.tell("visitor", answered, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn no_line_is_wider_than_80_columns() {
        let answered = words(&"Rust Node ".repeat(500));
        let order = order(&answered);
        assert!(order.len() <= 80 && order.ends_with(" ..."), "{order}");
    }

    #[test]
    fn what_is_met_is_counted_in_the_order_of_first_meetings() {
        let tally = tally(words("b a b"));
        assert_eq!(tally, [("b".to_owned(), 2), ("a".to_owned(), 1)]);
    }

    #[test]
    fn visitors_find_a_server_that_listens_on_every_address() {
        for (address, way) in [
            (Address::AnyTcp(80), "127.0.0.1:80"),
            (Address::Tcp(([0, 0, 0, 0], 80).into()), "127.0.0.1:80"),
            (Address::Tcp((Ipv6Addr::UNSPECIFIED, 80).into()), "[::1]:80"),
        ] {
            let visitor = way_to(&address).expect("it is this machine");
            assert_eq!(visitor.address().to_string(), way);
        }
        assert!(way_to(&Address::Unix("/x".into())).is_none());
        assert!(way_to(&Address::Tcp(([192, 0, 2, 1], 80).into())).is_none());
    }
}
