//! `--stay`: serves until somebody asks for the end.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use cluster::{Event, Primary, Signal, WorkerId, die_of};
use narrator::{Outcome, Story};
use visitors::{Seen, Visitor};

use crate::keys::{HELP, Key, Keys};
use crate::{Args, Result, Service};

/// How many requests `r` sends.
const VISITS: usize = 10;

struct Stay {
    service: Service,
    story: Story,
    keys: Option<Keys>,
    /// What visitors saw.
    seen: (Sender<Vec<Seen>>, Receiver<Vec<Seen>>),
}

pub(crate) fn run(mut primary: Primary, args: &Args) -> Outcome {
    let story = Story::begin(&args.telling)?;
    // Also those that would end it without a chance to restore the terminal.
    primary.signals(&[
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ])?;
    host::reap_as_first_process(&mut primary)?;
    let workers = args.workers();
    let service = Service::start(primary, workers)?;
    let mut stay = Stay { service, story, keys: None, seen: channel() };
    let outcome = stay.serve(workers);
    stay.keys = None; // the terminal first
    stay.story.hurry(); // nobody who does not read it holds up the end
    outcome
}

impl Stay {
    fn serve(&mut self, workers: usize) -> Outcome {
        let mut serves = false;
        while let Some(event) = self.service.next_event()? {
            self.react(event)?;
            if !serves && self.service.serving().len() == workers {
                serves = true;
                self.begin(workers);
            }
        }
        if self.service.is_stopping() {
            return Ok(());
        }
        Err(self.service.why_nobody_is_left().into())
    }

    fn begin(&mut self, workers: usize) {
        let Some(address) = self.service.address() else { return };
        match Keys::begin(self.service.primary.waker()) {
            Ok(keys) => self.keys = keys,
            Err(error) => self.story.tell("primary", "has no keys:", error),
        }
        let count = if workers == 1 { "worker" } else { "workers" };
        let serves = format!("serves http://{address}/ with {workers} {count}");
        let until = if self.keys.is_some() { ", ? for keys" } else { "" };
        self.story.tell("primary", serves, format!("until Ctrl-C{until}"));
    }

    fn react(&mut self, event: Event) -> Outcome {
        match event {
            Event::Fork(worker) => {
                if let Some(pid) = self.service.primary.pid(worker) {
                    self.story.meet(worker, pid);
                }
                if self.service.address().is_some() {
                    self.story.tell("primary", "forks", worker);
                }
            }
            Event::Listening(worker, _) => {
                self.story.tell(worker, "listens", "");
            }
            // Before anybody listens it is an error, and told as one.
            Event::Output(worker, line) if self.service.address().is_some() => {
                self.story.tell(worker, "says:", line);
            }
            Event::Exit { worker, exit, voluntary } => {
                let why = host::why(exit, voluntary);
                self.story.tell(worker, format!("{exit},"), why);
            }
            // ANCHOR: signal
            Event::Signal(signal)
                if self.service.is_stopping() || signal == Signal::SIGQUIT =>
            {
                self.keys = None; // the terminal first
                die_of(signal);
            }
            Event::Signal(signal) => {
                self.story.hurry();
                self.story.tell("primary", format!("gets {signal},"), "stops");
                self.service.stop();
            }
            // ANCHOR_END: signal
            Event::ForkFailed { worker, error, .. } => {
                let cannot = format!("cannot start {worker} yet:");
                self.story.tell("primary", cannot, error);
            }
            Event::Woken => self.news(),
            Event::Stopped(report) if !report.is_clean() => {
                return Err(host::not_clean(&report).into());
            }
            _ => {}
        }
        Ok(())
    }

    /// A key was pressed, or visitors have come back.
    fn news(&mut self) {
        while let Ok(seen) = self.seen.1.try_recv() {
            self.tell_what_was_seen(&seen);
        }
        while let Some(key) = self.keys.as_ref().and_then(Keys::pressed) {
            if !self.service.is_stopping()
                && let Err(error) = self.press(key)
            {
                self.story.tell("primary", "cannot do that:", error);
            }
        }
    }

    fn press(&mut self, key: Key) -> Outcome {
        let workers: Vec<WorkerId> =
            self.service.serving().iter().copied().collect();
        match key {
            Key::Kill(which) => match workers.get(which) {
                Some(&worker) => {
                    self.story.tell("primary", "kills", worker);
                    self.service.primary.kill(worker, Signal::SIGKILL)?;
                }
                None => {
                    let has = format!("has {} workers", workers.len());
                    self.story.tell("primary", has, "");
                }
            },
            Key::Freeze => self.freeze_or_thaw(&workers)?,
            Key::Visit => self.visit()?,
            Key::Add => {
                self.service.primary.fork()?;
            }
            Key::Remove => self.remove(&workers),
            Key::Help => self.story.show(HELP),
            Key::Quit => {
                self.story.tell("primary", "stops", "");
                self.service.stop();
            }
        }
        Ok(())
    }

    fn freeze_or_thaw(&mut self, workers: &[WorkerId]) -> Outcome {
        let service = &mut self.service;
        if let Some(worker) = service.frozen.pop_first() {
            self.story.tell("primary", "thaws", worker);
            service.primary.kill(worker, Signal::SIGCONT)?;
        } else if let Some(&worker) = workers.first() {
            self.story.tell("primary", "freezes", worker);
            service.primary.kill(worker, Signal::SIGSTOP)?;
            service.frozen.insert(worker);
        }
        Ok(())
    }

    /// The last one, unless it is the only one.
    fn remove(&mut self, workers: &[WorkerId]) {
        match workers {
            [_, .., worker] => {
                self.story.tell("primary", "removes", worker);
                self.service.remove(*worker);
            }
            _ => self.story.tell("primary", "keeps its last worker", ""),
        }
    }

    fn visit(&mut self) -> Result<()> {
        let Some(mut at) = self.service.address() else { return Ok(()) };
        if at.ip().is_unspecified() {
            at.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let visitor = Visitor::new(at)?;
        let (tell, waker) = (self.seen.0.clone(), self.service.primary.waker());
        thread::Builder::new().spawn(move || {
            // Nobody listens only when this process is about to end.
            let _ = tell.send(visitor.one_by_one("/", VISITS));
            waker.wake();
        })?;
        Ok(())
    }

    fn tell_what_was_seen(&self, seen: &[Seen]) {
        let who: Vec<String> = seen
            .iter()
            .map(|it| it.worker().map_or("nobody".into(), |id| id.to_string()))
            .collect();
        self.story.tell("visitor", "is served by", who.join(" "));
    }
}
