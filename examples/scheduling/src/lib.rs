//! Who gets the next connection? `cargo run -p main-runner -- scheduling`
//!
//! The same visitors come twice: once the primary chooses a worker for each of
//! them, once the kernel does. Read from the top.

mod args;
mod by_hand;
mod chart;
mod scenes;
mod stay;
mod worker;

use std::net::SocketAddr;

use cluster::{
    Address, Event, Primary, Role, SchedulingPolicy, Settings, Stdio, WorkerId,
};
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
        Role::Worker(me) => worker::serve(me, &args),
        Role::Primary(_) if args.by_hand => by_hand::run(&args),
        Role::Primary(primary) if args.stay => stay::run(primary, &args),
        Role::Primary(primary) => {
            let story = Story::begin(&args.telling)?;
            let policy = primary.scheduling_policy();
            let (busy, ends) = (None, Ends::default());
            let mut play = Play { primary, story, args, policy, busy, ends };
            let policies = play.args.policy.each();
            policies.iter().try_for_each(|&policy| play.act(policy))?;
            Ok(play.ends.outcome()?)
        }
    }
}

/// The primary, and the story that it tells.
struct Play {
    primary: Primary,
    story: Story,
    args: Args,
    policy: SchedulingPolicy,
    /// The worker that said that it has work to do.
    busy: Option<WorkerId>,
    ends: Ends,
}

impl Play {
    fn act(&mut self, policy: SchedulingPolicy) -> Outcome {
        self.primary.set_scheduling_policy(policy)?;
        self.policy = policy;
        self.story.tell("primary", chart::opening(policy), "");
        self.primary.setup(Settings::new().stderr(Stdio::Lines));
        for _ in 0..self.args.workers {
            self.primary.fork()?;
        }
        let visitor = Visitor::new(self.wait_until_all_listen()?)?;
        self.one_after_another(visitor)?;
        self.one_who_stays(visitor)?;
        self.one_with_work(visitor)?;
        self.disconnect_all()
    }

    fn wait_until_all_listen(&mut self) -> Result<SocketAddr> {
        let workers = self.args.workers as usize;
        let forks = chart::count(workers, "worker");
        self.story.tell("primary", "forks", forks);
        let mut listening = 0;
        loop {
            match self.primary.next_event()? {
                Some(Event::Listening(_, Address::Tcp(address))) => {
                    listening += 1;
                    if listening == workers {
                        return Ok(address); // the same for all of them
                    }
                }
                event => self.react(event)?,
            }
        }
    }

    fn disconnect_all(&mut self) -> Outcome {
        self.primary.disconnect_all();
        while let Some(event) = self.primary.next_event()? {
            self.react(Some(event))?;
        }
        Ok(())
    }

    /// What may happen at any time.
    fn react(&mut self, event: Option<Event>) -> Outcome {
        match event {
            Some(Event::Output(worker, line)) => {
                self.story.tell(worker, "says:", line);
            }
            Some(Event::Message(worker, message)) => {
                let busy = message.parse::<String>()? == "busy";
                self.busy = busy.then_some(worker);
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

/// The scenes know what comes next. Anything else is a failure.
fn lost<T>(what: impl Into<String>) -> Result<T> {
    Err(Failure::new(what, "Run it again with --record FILE.").into())
}
