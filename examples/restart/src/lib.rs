//! What happens when a worker dies? `cargo run -p main-runner -- restart`
//!
//! The primary makes workers die, and replaces them. Read from the top.

mod by_hand;
mod death;
mod storm;
mod strategy;
mod visitor;

use std::collections::BTreeSet;
use std::process;

use cluster::{Event, Primary, Role, Settings, Stdio, WorkerId};
use narrator::{Outcome, Story, Telling};

use crate::death::IN_TURN;
use crate::strategy::{Plan, Strategy};
use crate::visitor::Visitor;

/// What happens when a worker dies?
#[derive(clap::Parser, Clone, Debug, Default)]
#[command(about)]
pub struct Args {
    /// Tell the same story on bare system calls
    #[arg(long, conflicts_with_all = ["strategy", "together", "storm"])]
    pub by_hand: bool,
    /// How many times a worker dies
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub kill: u8,
    /// What the primary does about it
    #[arg(long, value_name = "WHICH", default_value = "back-off")]
    pub strategy: Strategy,
    /// Each time, all workers die at the same moment
    #[arg(long)]
    pub together: bool,
    /// Workers that die at birth: a storm of forks, and how to tame it
    #[arg(long, conflicts_with_all = ["kill", "strategy", "together"])]
    pub storm: bool,
    /// How the story is told
    #[command(flatten)]
    pub telling: Telling,
}

const WORKERS: usize = 3;

/// Runs the lesson.
///
/// # Errors
/// What went wrong, and what to do about it.
pub fn run(role: Role, args: Args) -> Outcome {
    match role {
        Role::Worker(_) if args.storm => process::exit(storm::AT_BIRTH),
        Role::Worker(me) => death::serve_until_death(me),
        Role::Primary(_) if args.by_hand => by_hand::run(&args),
        Role::Primary(primary) => {
            let story = Story::begin(&args.telling)?;
            if args.storm {
                return storm::run(primary, &story);
            }
            let plan = Plan::new(args.strategy);
            let visitor = Visitor::new(primary.waker());
            let (serving, wanted) = (BTreeSet::new(), WORKERS);
            Play { primary, story, plan, visitor, serving, wanted }.run(&args)
        }
    }
}

/// The primary, and the story that it tells.
struct Play {
    primary: Primary,
    story: Story,
    plan: Plan,
    visitor: Visitor,
    /// Who listens.
    serving: BTreeSet<WorkerId>,
    /// How many will listen when all that are on their way have come.
    wanted: usize,
}

impl Play {
    fn run(mut self, args: &Args) -> Outcome {
        self.primary.setup(Settings::new().stderr(Stdio::Lines));
        for _ in 0..WORKERS {
            self.primary.fork()?;
        }
        self.until(|play| play.serving.len() == WORKERS)?;
        self.story.tell("visitor", "begins to ask", "");
        self.let_the_visitor_ask()?;
        for death in IN_TURN.into_iter().cycle().take(args.kill.into()) {
            let count = if args.together { self.serving.len() } else { 1 };
            let youngest = self.serving.iter().rev(); // the last replacement
            let victims = youngest.take(count).copied().collect();
            self.kill(&victims, death)?;
            self.let_the_visitor_ask()?; // while somebody is missing
            self.until(|play| play.serving.len() == play.wanted)?;
            self.let_the_visitor_ask()?;
        }
        self.story.tell("visitor", self.visitor.tally(), "");
        let left = format!("{} workers", self.serving.len());
        self.story.tell("primary", "is left with", left);
        self.primary.disconnect_all();
        self.until(|_| false)
    }

    fn let_the_visitor_ask(&mut self) -> Outcome {
        self.visitor.begin_to_ask();
        self.until(|play| play.visitor.rests())?;
        self.visitor.hear(); // if no worker is left, nobody else does
        Ok(())
    }

    /// Goes on until then, or until no worker is left and none is due.
    fn until(&mut self, then: impl Fn(&Play) -> bool) -> Outcome {
        while !then(self) {
            let Some(event) = self.primary.next_event()? else { break };
            self.react(event)?;
        }
        Ok(())
    }

    fn react(&mut self, event: Event) -> Outcome {
        match &event {
            Event::Fork(worker) => self.story.tell("primary", "forks", worker),
            Event::Online(worker) => self.story.tell(worker, "is online", ""),
            Event::Listening(worker, address) => {
                self.visitor.learn(address);
                self.serving.insert(*worker);
            }
            Event::Output(worker, line) => {
                self.story.tell(worker, "says:", line);
            }
            // ANCHOR: exit
            Event::Exit { worker, exit, voluntary } => {
                let why = if *voluntary { "as asked" } else { "not asked" };
                self.story.tell(worker, format!("{exit},"), why);
                self.serving.remove(worker);
                self.wanted -= 1;
                self.replace(&event)?;
            }
            // ANCHOR_END: exit
            Event::ForkFailed { error, .. } => {
                let (what, advice) = (error.to_string(), error.advice());
                return Err(narrator::Failure::new(what, advice).into());
            }
            Event::Woken => self.visitor.hear(),
            _ => {}
        }
        Ok(())
    }
}
