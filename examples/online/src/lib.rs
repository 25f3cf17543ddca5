//! How do I know that a worker is up? `cargo run -p main-runner -- online`
//!
//! The primary is told every step of a worker's life. Read from the top.

mod by_hand;

use std::time::{Duration, Instant};

use cluster::{
    Event, Primary, Role, Settings, Signal, State, Stdio, Worker, WorkerId,
};
use host::{Ends, why};
use narrator::{Outcome, Story, Telling};

/// How do I know that a worker is up?
#[derive(clap::Parser, Clone, Debug, Default)]
#[command(about)]
pub struct Args {
    /// Tell the same story on bare system calls
    #[arg(long)]
    pub by_hand: bool,
    /// Fork one worker more, which never comes up
    #[arg(long, conflicts_with = "by_hand")]
    pub broken: bool,
    /// How the story is told
    #[command(flatten)]
    pub telling: Telling,
}

const WORKERS: usize = 2;
/// How long a worker has to come online.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs the lesson.
///
/// # Errors
/// What went wrong, and what to do about it.
pub fn run(role: Role, args: Args) -> Outcome {
    match role {
        Role::Worker(me) => serve(me),
        Role::Primary(_) if args.by_hand => by_hand::run(&args.telling),
        Role::Primary(primary) => tell(primary, &args),
    }
}

fn serve(mut me: Worker) -> Outcome {
    // ANCHOR: serve
    let listener = me.listen("127.0.0.1:0")?;
    for connection in listener.incoming() {
        drop(connection?); // nobody visits in this lesson
    }
    Ok(()) // the primary asked for the end, or is gone
    // ANCHOR_END: serve
}

fn tell(mut primary: Primary, args: &Args) -> Outcome {
    let story = Story::begin(&args.telling)?;
    primary.setup(Settings::new().stderr(Stdio::Lines));
    for _ in 0..WORKERS {
        primary.fork()?;
    }
    if args.broken {
        let sleeper = Settings::new().exec("sleep").args(["60"]);
        primary.fork_with(sleeper)?;
    }
    let (listening, given_up, ends) = (vec![], vec![], Ends::default());
    let mut life = Life { primary, story, listening, given_up, ends };
    let mut deadline = args.broken.then(|| Instant::now() + PATIENCE);
    loop {
        let event = match deadline {
            Some(deadline) => life.primary.next_event_before(deadline)?,
            None => life.primary.next_event()?,
        };
        match event {
            Some(Event::Deadline) => {
                life.give_up_on_the_silent()?;
                deadline = None;
            }
            Some(event) => life.react(event),
            None => return Ok(life.ends.outcome()?), // no worker is left
        }
    }
}

/// The primary, and the story that it tells.
struct Life {
    primary: Primary,
    story: Story,
    listening: Vec<WorkerId>,
    /// Those that it has ended itself.
    given_up: Vec<WorkerId>,
    ends: Ends,
}

impl Life {
    fn react(&mut self, event: Event) {
        match event {
            Event::Fork(worker) => {
                self.tell("primary", &format!("forks {worker}"), worker);
            }
            // ANCHOR: react
            Event::Online(worker) => self.tell(worker, "is online", worker),
            Event::Listening(worker, address) => {
                let port = address.port().unwrap_or_default();
                self.tell(worker, &format!("listens on port {port}"), worker);
                self.listening.push(worker);
                if self.listening.len() == WORKERS {
                    self.disconnect_all();
                }
            }
            // ANCHOR_END: react
            Event::Disconnect(worker) => {
                self.tell(worker, "is disconnected", worker);
            }
            Event::Exit { worker, exit, voluntary } => {
                let why = why(exit, voluntary);
                self.tell(worker, &format!("{exit}, {why}"), worker);
                if !self.given_up.contains(&worker) {
                    self.ends.note(worker, exit, voluntary);
                }
                if !voluntary {
                    self.primary.disconnect_all(); // nobody waits for it
                }
            }
            Event::Output(worker, line) => {
                self.story.tell(worker, "says:", line);
            }
            _ => {}
        }
    }

    /// One sentence, with the state of the worker that it is about.
    fn tell(&self, actor: impl std::fmt::Display, what: &str, about: WorkerId) {
        let (what, state) = (format!("{what:<30}"), self.primary.state(about));
        self.story.tell(actor, what, format!("state: {state}"));
    }

    fn disconnect_all(&mut self) {
        for worker in std::mem::take(&mut self.listening) {
            self.tell("primary", &format!("disconnects {worker}"), worker);
            self.primary.disconnect(worker);
        }
    }

    fn give_up_on_the_silent(&mut self) -> Outcome {
        let silent = |it: &WorkerId| self.primary.state(*it) == State::None;
        self.given_up = self.primary.workers().filter(silent).collect();
        // ANCHOR: silent
        for worker in self.primary.workers().collect::<Vec<_>>() {
            if self.primary.state(worker) == State::None {
                self.tell("primary", &format!("gives up on {worker}"), worker);
                self.primary.kill(worker, Signal::SIGKILL)?;
            }
        }
        // ANCHOR_END: silent
        Ok(())
    }
}
