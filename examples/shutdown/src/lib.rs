//! How does a service stop without hanging up on anyone?
//! `cargo run -p main-runner -- shutdown`
//!
//! Visitors are in the middle of something when Ctrl-C comes. Read from the
//! top.

mod args;
mod by_hand;
mod door;
mod stay;
mod telling;
mod timeline;
mod visits;
mod worker;

use cluster::{Address, Event, Primary, Role, Settings, Signal, Stdio, die_of};
use narrator::{Failure, Outcome, Story};
use nix::sys::signal::{SigSet, kill};

use crate::timeline::NOTHING;
use crate::visits::Visits;
use crate::worker::News;

pub use crate::args::Args;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Each of them has its visitor.
const WORKERS: u32 = 3;
/// With `--stubborn`, this one does not leave.
const STUBBORN: u32 = 2;

/// Runs the lesson.
///
/// # Errors
/// What went wrong, and what to do about it.
pub fn run(role: Role, args: Args) -> Outcome {
    match role {
        Role::Worker(me) => worker::serve(me, &args),
        Role::Primary(_) if args.by_hand => by_hand::run(&args),
        Role::Primary(_) if args.door => door::run(&args),
        Role::Primary(primary) if args.stay => stay::run(primary, &args),
        Role::Primary(mut primary) => {
            primary.signals(&[Signal::SIGINT])?; // before there are threads
            let story = Story::begin(&args.telling)?;
            let visits = Visits::new(primary.waker());
            let (begun, expects_signal) = (0, false);
            Play { primary, story, args, visits, begun, expects_signal }.run()
        }
    }
}

/// The primary, and the story that it tells.
struct Play {
    primary: Primary,
    story: Story,
    args: Args,
    visits: Visits,
    /// How many requests workers have begun to read.
    begun: usize,
    expects_signal: bool,
}

impl Play {
    fn run(mut self) -> Outcome {
        self.primary.setup(Settings::new().stderr(Stdio::Lines));
        for _ in 0..WORKERS {
            let worker = self.primary.fork()?;
            self.wait_until_it_waits_for_visitors(worker)?;
        }
        let three = self.visitors_come()?;
        self.press_ctrl_c()?;
        self.visitors_see_the_end(three)?;
        while let Some(event) = self.primary.next_event()? {
            self.react(event)?;
        }
        self.story.show(self.visits.timeline.picture());
        // What is not told yet may be cut short by Ctrl-C, as anywhere.
        SigSet::from(Signal::SIGINT).thread_unblock()?;
        Ok(())
    }

    /// A terminal sends SIGINT to everybody in the foreground.
    fn press_ctrl_c(&mut self) -> Outcome {
        let to = "SIGINT to all, as Ctrl-C does";
        self.story.tell("primary", "sends", to);
        for worker in self.primary.workers().collect::<Vec<_>>() {
            self.primary.kill(worker, Signal::SIGINT)?;
        }
        self.expects_signal = true;
        kill(nix::unistd::getpid(), Signal::SIGINT)?;
        self.until(|play| !play.expects_signal)
    }

    fn react(&mut self, event: Event) -> Outcome {
        let story = &self.story;
        match event {
            Event::Fork(worker) => story.tell("primary", "forks", worker),
            Event::Listening(_, Address::Tcp(address)) => {
                self.visits.address = Some(address); // the same for all
            }
            Event::Signal(signal) if self.expects_signal => {
                self.expects_signal = false;
                self.visits.timeline.note("primary", "SIGINT", NOTHING);
                // ANCHOR: stop
                let gets = format!("gets {signal},");
                story.tell("primary", gets, "and begins to stop");
                self.primary.begin_shutdown(self.args.grace());
                // ANCHOR_END: stop
            }
            Event::Signal(signal) => die_of(signal), // it was a real one
            Event::Message(worker, message) => {
                if let News::Begins = telling::news(story, worker, message)? {
                    self.begun += 1;
                }
            }
            Event::Output(worker, line) => story.tell(worker, "says:", line),
            Event::Exit { worker, exit, voluntary: true } => {
                host::tell_exit(story, worker, exit);
            }
            Event::Exit { worker, exit, .. } => {
                return lost(format!("{worker} {exit}, not asked"));
            }
            Event::Stopped(report) => {
                host::tell_report(story, &report);
                let killed: Vec<u32> =
                    report.by_sigkill.iter().map(|it| it.get()).collect();
                // Who is stubborn has to be killed, and nobody else.
                let expected = match self.args.stubborn {
                    true => report.died.is_empty() && killed == [STUBBORN],
                    false => report.is_clean(),
                };
                if !expected {
                    return Err(host::not_clean(&report).into());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The story knows what comes next. Anything else is a failure.
fn lost<T>(what: impl Into<String>) -> Result<T> {
    Err(Failure::new(what, "Run it again with --record FILE.").into())
}
