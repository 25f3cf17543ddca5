//! The tool: keeps N workers of any program up, and tells what happens to them.
//!
//! With `--stay` until Ctrl-C or SIGTERM. Without it as a rehearsal: when all
//! workers listen, visitors come, and then the workers are asked to leave.

use std::collections::BTreeSet;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use cluster::{
    Address, Event, Exit, Primary, Restart, Settings, Signal, WorkerId, die_of,
};
use narrator::{Failure, Outcome, Story};
use visitors::Seen;

use crate::restart::Policies;
use crate::{Args, crew, guests};

/// Where the lesson's own workers serve, if nobody says otherwise.
const PORT: u16 = 3000;

pub(crate) fn run(mut primary: Primary, args: &Args) -> Outcome {
    crew::check_server(args)?;
    if let Some(policy) = args.policy {
        primary.set_scheduling_policy(policy.into())?;
    }
    let own = args.program.is_empty().then_some(PORT); // else: inherited
    let port = args.port.or(own).map(|port| port.to_string());
    let settings = Settings::new().silent();
    primary.setup(
        port.into_iter().fold(settings, |it, port| it.env("PORT", port)),
    );
    primary.signals(&[Signal::SIGINT, Signal::SIGTERM])?;
    host::reap_as_first_process(&mut primary)?;
    crew::fork(&mut primary, args)?;
    let story = Story::begin(&args.telling)?;
    Manager {
        primary,
        story,
        args,
        restart: Policies::new(),
        listening: BTreeSet::new(),
        complete: false,
        seen: None,
        asked: false,
        trouble: None,
    }
    .run()
}

struct Manager<'a> {
    primary: Primary,
    story: Story,
    args: &'a Args,
    restart: Policies,
    /// Who serves. A worker that dies before it does so died at birth.
    listening: BTreeSet<WorkerId>,
    /// All of them did so at the same time, once.
    complete: bool,
    /// What the visitors of a rehearsal saw, when they are back.
    seen: Option<Receiver<Vec<Seen>>>,
    /// All workers were asked to leave.
    asked: bool,
    /// Why the exit code will be 1.
    trouble: Option<Failure>,
}

impl Manager<'_> {
    fn run(mut self) -> Outcome {
        while let Some(event) = self.primary.next_event()? {
            self.react(event)?;
        }
        self.trouble.map_or(Ok(()), |trouble| Err(trouble.into()))
    }

    fn react(&mut self, event: Event) -> Outcome {
        match event {
            Event::Fork(worker) => {
                if let Some(pid) = self.primary.pid(worker) {
                    self.story.meet(worker, pid);
                }
                self.story.tell("primary", "forks", worker);
            }
            // Its file is being replaced, or a limit is reached.
            Event::ForkFailed { error, .. } => {
                self.story.tell("primary", error, "and will try again");
            }
            Event::Online(worker) => self.story.tell(worker, "is online", ""),
            Event::Listening(worker, address) => {
                self.note_listening(worker, &address);
            }
            Event::Message(worker, message) => {
                self.story.tell(worker, "sends:", message);
            }
            Event::Output(worker, line) => {
                self.story.tell(worker, "says:", line);
            }
            Event::Error(worker, error) => {
                self.story.tell(worker, "sends nonsense:", error);
            }
            Event::Exit { worker, exit, voluntary } => {
                let why = host::why(exit, voluntary);
                self.story.tell(worker, format!("{exit},"), why);
                if !voluntary && !self.asked {
                    self.died(worker, exit);
                }
                self.listening.remove(&worker);
            }
            Event::Woken => self.hear_visitors(),
            Event::Signal(signal) => self.stop(signal),
            Event::Stopped(report) if !report.is_clean() => {
                self.trouble = Some(match report.died.is_empty() {
                    true => Failure::new(
                        "some workers had to be killed",
                        "See what keeps them, or give them longer: --grace 60",
                    ),
                    false => host::not_clean(&report),
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn note_listening(&mut self, worker: WorkerId, address: &Address) {
        self.listening.insert(worker);
        self.story.tell(worker, "listens on", address);
        let all = self.listening.len() == self.args.workers as usize;
        if self.args.stay && all && !self.complete {
            let serves = format!("serves {}", guests::shown(address));
            self.story.tell("primary", serves, "until Ctrl-C");
        }
        if let (false, true, false) = (self.args.stay, all, self.complete)
            && let Some(visitor) = guests::way_to(address)
        {
            let visits = self.args.requests;
            let come = format!("1 to {visits} come, one after another");
            self.story.tell("visitor", come, "");
            let waker = self.primary.waker();
            self.seen = Some(guests::come(visitor, visits, waker));
        }
        self.complete |= all;
    }

    /// The visitors of a rehearsal are back: it is over.
    fn hear_visitors(&mut self) {
        let Some(seen) = self.seen.as_ref().and_then(|it| it.try_recv().ok())
        else {
            return;
        };
        if seen.iter().any(|seen| seen.result.is_err()) {
            let advice = "See above what the workers said.";
            self.trouble =
                Some(Failure::new("visitors were not answered", advice));
        }
        let met = seen.iter().map(|seen| match &seen.result {
            Ok(answer) => answer.status.to_string(),
            Err(trouble) => trouble.to_string(),
        });
        for (what, count) in guests::tally(met.collect()) {
            self.story.tell(
                "visitor",
                format!("hears {what}:"),
                format!("{count} times"),
            );
        }
        self.ask_all_to_leave();
    }

    // ANCHOR: replace
    /// A server has no reason to end, but a program that does not stay may be
    /// done.
    fn died(&mut self, worker: WorkerId, exit: Exit) {
        let done = exit.success() && !self.args.stay;
        match self.args.no_restart {
            _ if done => {}
            true => {
                let advice = "See above why. Without --no-restart it would be.";
                let what = format!("{worker} died, and was not replaced");
                self.trouble = Some(Failure::new(what, advice));
            }
            false => self.replace(worker),
        }
    }

    fn replace(&mut self, died: WorkerId) {
        let served = self.listening.contains(&died);
        match self.restart.after(died, served, &mut self.primary) {
            Restart::In { delay, .. } => {
                let waits = format!("waits {} ms,", delay.as_millis());
                self.story.tell("primary", waits, "then replaces it");
            }
            gave_up => {
                self.story.tell("primary", gave_up, "");
                let what = gave_up.to_string();
                self.trouble = Some(Failure::new(what, gave_up.advice()));
            }
        }
    }
    // ANCHOR_END: replace

    // ANCHOR: stop
    fn stop(&mut self, signal: Signal) {
        self.story.hurry();
        if self.asked {
            for worker in self.primary.workers().collect::<Vec<_>>() {
                // It is over for those, too: one who was asked to leave does
                // not end when its primary does.
                let _ = self.primary.kill(worker, Signal::SIGKILL);
            }
            self.story.end();
            die_of(signal);
        }
        self.story.tell("primary", format!("gets {signal},"), "stops");
        self.ask_all_to_leave();
    }
    // ANCHOR_END: stop

    fn ask_all_to_leave(&mut self) {
        self.asked = true;
        let grace = Duration::from_secs(self.args.grace);
        self.primary.begin_shutdown(grace);
    }
}
