//! A service, and the loop that keeps it up.

use std::collections::BTreeSet;
use std::time::Duration;

use cluster::{
    Address, Event, Message, Primary, Restart, Settings, Signal, Stdio, WorkerId, die_of,
};
use narrator::{Outcome, Story};

use crate::{Keeping, not_clean, reap_as_first_process, tell_exit, tell_report};

/// Workers that all listen on one port.
#[derive(Clone, Copy, Debug)]
pub struct Service<'a> {
    /// Who tells what happens.
    pub story: &'a Story,
    /// How many workers serve.
    pub workers: u32,
    /// How long they may finish what they have begun.
    pub grace: Duration,
    /// What the primary says before it names the address; may be empty.
    pub opening: &'a str,
}

impl Service<'_> {
    /// Serves until SIGINT or SIGTERM, and ends well; a second signal ends it at once, by that
    /// signal. What workers send is told by `hear`.
    ///
    /// # Errors
    /// When nobody can listen, when so many workers die that none is left, or when some did not end
    /// well when they were asked to.
    pub fn stay(self, mut primary: Primary, mut hear: impl FnMut(WorkerId, Message)) -> Outcome {
        let story = self.story;
        primary.setup(Settings::new().stderr(Stdio::Lines));
        primary.signals(&[Signal::SIGINT, Signal::SIGTERM])?;
        reap_as_first_process(&mut primary)?;
        for _ in 0..self.workers {
            primary.fork()?;
        }
        let mut keeping = Keeping::new(self.workers as usize);
        let mut listening = BTreeSet::new();
        let (mut open, mut stopping) = (false, false);
        while let Some(event) = primary.next_event()? {
            match event {
                Event::Listening(worker, Address::Tcp(address)) => {
                    keeping.serves();
                    listening.insert(worker);
                    if !open && listening.len() == self.workers as usize {
                        open = true;
                        self.open(&format!("http://{address}/"));
                    }
                }
                Event::ListenFailed { error, .. } => keeping.cannot_listen(&error),
                Event::ForkFailed { error, .. } => {
                    story.tell("primary", error, "and will try again");
                }
                Event::Message(worker, message) => hear(worker, message),
                Event::Output(_, line) if keeping.keeps(&line) => {}
                Event::Output(worker, line) => story.tell(worker, "says:", line),
                Event::Error(worker, error) => story.tell(worker, "sends nonsense:", error),
                Event::Exit { worker, exit, voluntary: false } if !stopping => {
                    listening.remove(&worker);
                    let restart = keeping.replace(worker, &mut primary);
                    if let Some(failure) = keeping.cannot_begin() {
                        return Err(failure.into());
                    }
                    story.tell(worker, format!("{exit},"), "not asked");
                    if let Restart::GaveUp { .. } = restart {
                        story.tell("primary", restart, "");
                    }
                }
                Event::Exit { worker, exit, .. } => tell_exit(story, worker, exit),
                Event::Signal(signal) if stopping => {
                    story.hurry();
                    story.end();
                    die_of(signal);
                }
                Event::Signal(signal) => {
                    story.hurry();
                    story.tell("primary", format!("gets {signal},"), "and begins to stop");
                    stopping = true;
                    primary.begin_shutdown(self.grace);
                }
                Event::Stopped(report) => {
                    tell_report(story, &report);
                    if !report.is_clean() {
                        return Err(not_clean(&report).into());
                    }
                }
                _ => {}
            }
        }
        if stopping { Ok(()) } else { Err(keeping.why_nobody_is_left().into()) }
    }

    fn open(&self, url: &str) {
        if !self.opening.is_empty() {
            self.story.tell("primary", self.opening, "");
        }
        self.story.tell("primary", format!("serves {url}"), "until Ctrl-C");
    }
}
