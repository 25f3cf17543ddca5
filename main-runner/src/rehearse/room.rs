//! The room: what this machine has for a class, and what it lacks.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use crate::text::{self, WIDTH};

/// Node's example port, which `--stay` serves on.
const PORT: u16 = 3000;

/// The oldest Node that the lessons' programs are written for.
const OLDEST_NODE: u32 = 20;

/// One line about the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub about: String,
    /// How it is, and if something is missing, what follows.
    pub found: String,
    /// What is missing.
    pub lack: Option<&'static str>,
}

/// Looks at all that matters.
pub fn look() -> Vec<Fact> {
    let mut facts = vec![cpus(cluster::available_parallelism()), node(version_of_node()), port()];
    facts.extend(text::columns().map(terminal));
    facts
}

fn fact(about: impl Into<String>, found: impl Into<String>, lack: Option<&'static str>) -> Fact {
    Fact { about: about.into(), found: found.into(), lack }
}

fn cpus(count: usize) -> Fact {
    match count {
        1 => fact("CPUs", "1: more workers are not faster here", Some("a second CPU")),
        count => fact("CPUs", count.to_string(), None),
    }
}

fn node(version: Option<String>) -> Fact {
    const NEED: &str = "`node`, its column of `compare` and polyglot need";
    let Some(version) = version else {
        return fact("Node", format!("none: {NEED} it"), Some("Node"));
    };
    let major = version.split('.').next().and_then(|major| major.parse().ok());
    match major {
        Some(OLDEST_NODE..) => fact("Node", version, None),
        _ => fact("Node", format!("{version}: {NEED} {OLDEST_NODE}"), Some("a newer Node")),
    }
}

/// `20.20.2`, if Node can be started at all.
fn version_of_node() -> Option<String> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| said.trim().trim_start_matches('v').to_owned())
}

fn port() -> Fact {
    let about = format!("port {PORT}");
    match TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)) {
        Ok(_) => fact(about, "free", None),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            fact(about, "taken: give --stay another one with --port 0", Some("a free port 3000"))
        }
        Err(error) => fact(about, error.to_string(), Some("a port 3000 that can be used")),
    }
}

fn terminal(columns: usize) -> Fact {
    let found = format!("{columns} columns");
    match columns {
        ..WIDTH => {
            fact("terminal", format!("{found}: stories need {WIDTH}"), Some("a wider terminal"))
        }
        _ => fact("terminal", found, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_room_lacks_nothing() {
        let facts = [cpus(2), node(Some("20.20.2".to_owned())), terminal(80)];
        assert!(facts.iter().all(|fact| fact.lack.is_none()), "{facts:?}");
    }

    #[test]
    fn what_is_missing_is_named_with_what_follows() {
        let lacks = [cpus(1), node(None), node(Some("18.19.0".to_owned())), terminal(79)];
        for (fact, lack) in
            lacks.iter().zip(["a second CPU", "Node", "a newer Node", "a wider terminal"])
        {
            assert_eq!(fact.lack, Some(lack), "{fact:?}");
            assert!(fact.found.contains(": "), "{fact:?}");
        }
    }
}
