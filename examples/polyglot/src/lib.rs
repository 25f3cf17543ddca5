//! Can processes in different languages serve one port?
//! `cargo run -p main-runner -- polyglot`
//!
//! A worker in Rust and one in Node share a port; visitors come. Read from the
//! top. With `--stay` or a program of yours: see `manager.rs`.

mod args;
mod by_hand;
mod crew;
mod guests;
mod manager;
mod restart;
mod scene;
mod worker;

use cluster::{Event, Primary, Role, SchedulingPolicy, Settings};
use host::Ends;
use narrator::{Failure, Outcome, Story};
use visitors::Visitor;

pub use crate::args::{Args, Policy};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Runs the lesson.
///
/// # Errors
/// What went wrong, and what to do about it.
pub fn run(role: Role, args: Args) -> Outcome {
    match role {
        Role::Worker(me) => worker::serve(me),
        Role::Primary(_) if args.by_hand => by_hand::run(&args),
        Role::Primary(primary) if args.stay || !args.program.is_empty() => {
            manager::run(primary, &args)
        }
        Role::Primary(primary) => {
            crew::check_server(&args)?;
            let story = Story::begin(&args.telling)?;
            let ends = Ends::default();
            let mut play = Play { primary, story, args, forked: 0, ends };
            let policies = Policy::chosen(play.args.policy);
            policies.into_iter().try_for_each(|policy| play.act(policy))?;
            Ok(play.ends.outcome()?)
        }
    }
}

/// The primary, and the story that it tells.
struct Play {
    primary: Primary,
    story: Story,
    args: Args,
    /// How many workers there were before this act.
    forked: u32,
    ends: Ends,
}

impl Play {
    fn act(&mut self, policy: SchedulingPolicy) -> Outcome {
        self.primary.set_scheduling_policy(policy)?;
        let port = self.args.port.unwrap_or(0).to_string();
        self.primary.setup(Settings::new().silent().env("PORT", port));
        crew::fork(&mut self.primary, &self.args)?;
        self.story.tell("primary", opening(policy), "");
        let visitor = self.wait_until_all_listen()?;
        self.let_them_come(visitor)?;
        self.primary.disconnect_all();
        while let Some(event) = self.primary.next_event()? {
            self.react(Some(event))?;
        }
        self.forked += self.args.workers;
        Ok(())
    }

    fn wait_until_all_listen(&mut self) -> Result<Visitor> {
        let mut listening = 0;
        loop {
            let event = self.primary.next_event()?;
            let address = match &event {
                Some(Event::Listening(_, address)) => Some(address.clone()),
                _ => None,
            };
            self.react(event)?;
            let Some(address) = address else { continue };
            listening += 1;
            if listening == self.args.workers {
                let visitor = guests::way_to(&address); // the same for all
                return visitor.map_or_else(|| lost("no way there"), Ok);
            }
        }
    }

    /// What may happen at any time.
    fn react(&mut self, event: Option<Event>) -> Outcome {
        match event {
            Some(Event::Fork(worker)) => {
                if let Some(pid) = self.primary.pid(worker) {
                    self.story.meet(worker, pid);
                }
                let place = worker.get() - 1 - self.forked;
                let kind = crew::kind(&self.args, place);
                let forks = format!("forks {worker},");
                self.story.tell("primary", forks, format!("in {kind}"));
            }
            Some(Event::Listening(worker, address)) => {
                self.story.tell(worker, "listens on", address);
            }
            Some(Event::Output(worker, line)) => {
                self.story.tell(worker, "says:", line);
            }
            Some(Event::Exit { worker, exit, voluntary }) => {
                self.ends.tell(&self.story, worker, exit, voluntary)?;
            }
            None => return lost("no worker is left"),
            Some(_) => {}
        }
        Ok(())
    }
}

/// What the primary says first.
fn opening(policy: SchedulingPolicy) -> &'static str {
    match policy {
        SchedulingPolicy::Shared => {
            "leaves each connection to the kernel (none)"
        }
        _ => "takes each connection, and hands it over (rr)",
    }
}

/// The play knows what comes next. Anything else is a failure.
fn lost<T>(what: impl Into<String>) -> Result<T> {
    Err(Failure::new(what, "Run it again with --record FILE.").into())
}
