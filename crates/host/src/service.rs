//! A service, and the loop that keeps it up.

use std::time::Duration;

use cluster::{
    Address, Event, Message, Primary, Restart, RestartPolicy, Settings, Signal, Stdio, WorkerId,
    die_of,
};
use narrator::{Failure, Outcome, Story};

use crate::{cannot_begin, killed, tell_exit, tell_report};

/// Workers that die are replaced at once, but of those that die young no more than this within a
/// minute.
const MOST_RESTARTS: usize = 20;
const MINUTE: Duration = Duration::from_secs(60);

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
    /// Serves until SIGINT or SIGTERM, and ends well; a second signal ends it at once, by that signal.
    /// What workers send is told by `hear`.
    ///
    /// # Errors
    /// When nobody can listen, when so many workers die that none is left, or when some had to be
    /// killed in the end.
    pub fn stay(
        self,
        mut primary: Primary,
        mut hear: impl FnMut(WorkerId, Message) -> Outcome,
    ) -> Outcome {
        let story = self.story;
        primary.setup(Settings::new().stderr(Stdio::Lines));
        primary.signals(&[Signal::SIGINT, Signal::SIGTERM])?;
        for _ in 0..self.workers {
            primary.fork()?;
        }
        let mut restart = RestartPolicy::at_once().at_most(MOST_RESTARTS, MINUTE);
        let mut last_words = Vec::new();
        let (mut listening, mut stopping) = (0, false);
        let mut gave_up = None;
        while let Some(event) = primary.next_event()? {
            match event {
                Event::Listening(_, Address::Tcp(address)) => {
                    listening += 1;
                    if listening == self.workers {
                        self.open(&format!("http://{address}/"));
                    }
                }
                Event::Message(worker, message) => hear(worker, message)?,
                Event::Output(_, line) if listening == 0 => last_words.push(line),
                Event::Output(worker, line) => story.tell(worker, "says:", line),
                Event::Exit { voluntary: false, .. } if listening == 0 => {
                    return Err(cannot_begin(&last_words).into());
                }
                Event::Exit { worker, exit, voluntary: false } if !stopping => {
                    story.tell(worker, format!("{exit},"), "not asked");
                    if let given_up @ Restart::GaveUp { .. } = restart.after(worker, &mut primary) {
                        story.tell("primary", given_up, "");
                        gave_up = Some(given_up);
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
                    gave_up = None; // it served to its end
                    tell_report(story, &report);
                    if !report.is_clean() {
                        return Err(killed().into());
                    }
                }
                _ => {}
            }
        }
        match gave_up {
            None => Ok(()),
            Some(reason) => Err(Failure::new(reason.to_string(), reason.advice()).into()),
        }
    }

    fn open(&self, url: &str) {
        if !self.opening.is_empty() {
            self.story.tell("primary", self.opening, "");
        }
        self.story.tell("primary", format!("serves {url}"), "until Ctrl-C");
    }
}
