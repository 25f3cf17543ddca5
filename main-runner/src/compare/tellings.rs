//! The tellings that a lesson has, and how each is run.

use std::collections::BTreeMap;
use std::io;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::story::{self, Sentence};
use crate::capture::{Captured, Ear, End, LIMIT, capture};
use crate::lessons::Entry;

/// One telling of a lesson.
#[derive(Clone, Debug)]
pub struct Telling {
    /// The head of its column.
    pub label: &'static str,
    /// What came of it; nothing if Node is not installed.
    pub story: Option<Story>,
}

/// What a telling told.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Its sentences, in order.
    pub sentences: Vec<Sentence>,
    /// How long it took.
    pub took: Duration,
    /// What went wrong, if anything did.
    pub trouble: Option<String>,
}

impl Story {
    /// The same sentences, one story for each worker.
    pub fn by_worker(&self) -> BTreeMap<String, Vec<String>> {
        story::by_worker(&self.sentences)
    }
}

/// The tellings, unless a signal came in between.
#[derive(Debug)]
pub enum Told {
    /// One for each telling that the lesson has.
    Stories(Vec<Telling>),
    /// Ctrl-C, or another request to end.
    Interrupted(Signal),
}

/// Runs every telling that the lesson has.
pub fn tell_all(lesson: &Entry) -> io::Result<Told> {
    let mut told = Vec::new();
    for (label, command) in commands(lesson)? {
        let story = match capture(command, Ear::Output, LIMIT) {
            Ok(Captured { end: End::Interrupted(signal), .. }) => {
                return Ok(Told::Interrupted(signal));
            }
            Ok(captured) => Some(story_of(captured)),
            Err(error) if label == "node" && error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        told.push(Telling { label, story });
    }
    Ok(Told::Stories(told))
}

fn commands(lesson: &Entry) -> io::Result<Vec<(&'static str, Command)>> {
    let mut rust = Command::new(std::env::current_exe()?);
    rust.arg(&lesson.name);
    let mut commands = vec![("rust", rust)];
    if lesson.by_hand {
        let mut by_hand = Command::new(std::env::current_exe()?);
        by_hand.args([&lesson.name, "--by-hand"]);
        commands.push(("by hand", by_hand));
    }
    let program = lesson.folder().join("node.mjs");
    if program.exists() {
        let mut node = Command::new("node");
        node.arg(program).env("MAIN_RUNNER", std::env::current_exe()?);
        commands.push(("node", node));
    }
    Ok(commands)
}

fn story_of(captured: Captured) -> Story {
    let trouble = match captured.end {
        End::Exited(status) if status.success() => None,
        End::Exited(status) => Some(format!("failed ({status})")),
        End::OutOfTime => Some(format!("was ended: not done after {} s", LIMIT.as_secs())),
        End::Interrupted(signal) => Some(format!("was ended by {signal}")),
    };
    let sentences = story::sentences(&captured.output);
    Story { sentences, took: captured.took, trouble }
}
