//! How do primary and worker talk? `cargo run -p main-runner -- ipc`
//!
//! The primary plays eight short scenes with two workers. Read from the top.

mod by_hand;
mod scenes;
mod worker;

use cluster::{Event, Primary, Role, Settings, Stdio, WorkerId};
use host::Ends;
use narrator::{Failure, Outcome, Story, Telling};

use crate::by_hand::deadlocks::{self, Deadlock};
use crate::worker::{Reply, Request};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How do primary and worker talk?
#[derive(clap::Parser, Clone, Debug, Default)]
#[command(about)]
pub struct Args {
    /// Tell the same story on bare system calls
    #[arg(long)]
    pub by_hand: bool,
    /// Run into a famous deadlock of pipes, and out of it again
    #[arg(long, value_name = "WHICH", conflicts_with = "by_hand")]
    pub deadlock: Option<Deadlock>,
    /// How the story is told
    #[command(flatten)]
    pub telling: Telling,
}

/// Runs the lesson.
///
/// # Errors
/// What went wrong, and what to do about it.
pub fn run(role: Role, args: Args) -> Outcome {
    match (role, args.deadlock) {
        (Role::Worker(me), _) => worker::work(me),
        (_, Some(deadlock)) => deadlocks::run(deadlock, &args.telling),
        (_, None) if args.by_hand => by_hand::run(&args.telling),
        (Role::Primary(primary), None) => {
            let story = Story::begin(&args.telling)?;
            Play { primary, story, ends: Ends::default() }.run()
        }
    }
}

/// The primary, and the story that it tells.
struct Play {
    primary: Primary,
    story: Story,
    ends: Ends,
}

impl Play {
    fn run(mut self) -> Outcome {
        self.primary.setup(Settings::new().stderr(Stdio::Lines));
        let [one, two] = [self.fork()?, self.fork()?];
        self.wait_until_online(2)?;
        self.talk(one)?;
        self.tell_everybody("good morning", 2)?;
        self.ask_twice(one)?;
        self.hand_over_a_connection(two)?;
        self.send_a_long_message(one)?;
        self.fill_the_channel(two)?;
        self.disconnect(one)?;
        self.talk_to_nobody(one)?;
        self.disconnect(two)?;
        Ok(self.ends.outcome()?)
    }

    // ANCHOR: fork
    fn fork(&mut self) -> Result<WorkerId> {
        let worker = self.primary.fork()?;
        self.story.tell("primary", "forks", worker);
        Ok(worker)
    }

    fn wait_until_online(&mut self, workers: usize) -> Outcome {
        for _ in 0..workers {
            let Event::Online(worker) = self.next()? else { return lost() };
            self.story.tell(worker, "is online", "");
        }
        Ok(())
    }
    // ANCHOR_END: fork

    fn talk(&mut self, to: WorkerId) -> Outcome {
        let text = "hi there";
        self.story.tell("primary", format!("tells {to}:"), text);
        // ANCHOR: talk
        self.primary.send(to, Request::Say(text.into()))?;
        let (worker, Reply::Heard(text)) = self.hear()? else { return lost() };
        self.story.tell(worker, "answers:", text);
        // ANCHOR_END: talk
        Ok(())
    }

    // ANCHOR: end
    fn disconnect(&mut self, worker: WorkerId) -> Outcome {
        self.story.tell("primary", "disconnects", worker);
        self.primary.disconnect(worker);
        let Event::Disconnect(_) = self.next()? else { return lost() };
        match self.next()? {
            Event::Exit { worker, exit, voluntary } => {
                Ok(self.ends.tell(&self.story, worker, exit, voluntary)?)
            }
            _ => lost(),
        }
    }
    // ANCHOR_END: end

    // ANCHOR: next
    /// The next message, and who sent it.
    fn hear(&mut self) -> Result<(WorkerId, Reply)> {
        match self.next()? {
            Event::Message(worker, message) => Ok((worker, message.parse()?)),
            _ => lost(),
        }
    }

    /// The next event that matters to the story.
    fn next(&mut self) -> Result<Event> {
        while let Some(event) = self.primary.next_event()? {
            match event {
                Event::Setup(_) | Event::Fork(_) => {}
                Event::Output(worker, line) => {
                    self.story.tell(worker, "says:", line);
                }
                event => return Ok(event),
            }
        }
        lost()
    }
    // ANCHOR_END: next
}

/// The scenes know what comes next. Anything else is a failure.
fn lost<T>() -> Result<T> {
    Err(Failure::new(
        "a worker did not do what this scene expects",
        "See above what it said; run the lesson again with --record FILE.",
    )
    .into())
}
