//! How do many processes serve one port?
//! `cargo run -p main-runner -- http-server`
//!
//! tiny_http in each worker, on one listening socket that all of them share,
//! and a primary that keeps them at work. Read from the top.

mod args;
mod by_hand;
mod census;
mod chart;
mod desk;
mod head;
mod keys;
mod messages;
mod scenes;
mod service;
mod stay;
mod trouble;
mod worker;

use cluster::{Event, Role, WorkerId};
use narrator::{Failure, Outcome, Story};
use visitors::Visitor;

pub use crate::args::{Args, Trouble};
pub use crate::service::Service;
pub use crate::worker::{DESCRIPTORS, serve};

/// Each scene costs one worker. With so many something is wrong.
const MOST_DEATHS: u32 = 10;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Runs the lesson.
///
/// # Errors
/// What went wrong, and what to do about it.
pub fn run(role: Role, args: Args) -> Outcome {
    match role {
        // ANCHOR: role
        Role::Worker(me) => serve(me, args.address(), args.descriptors()),
        Role::Primary(_) if args.by_hand => by_hand::run(&args),
        Role::Primary(primary) if args.stay => stay::run(primary, &args),
        Role::Primary(primary) => {
            let story = Story::begin(&args.telling)?;
            let service = Service::start(primary, args.workers())?;
            Play { service, story, args }.run()
        } // ANCHOR_END: role
    }
}

/// The primary, and the story that it tells.
struct Play {
    service: Service,
    story: Story,
    args: Args,
}

impl Play {
    // ANCHOR: run
    fn run(mut self) -> Outcome {
        let workers = self.args.workers();
        self.story.tell("primary", "forks", format!("{workers} workers"));
        self.until(|play| play.service.serving().len() == workers)?;
        let Some(address) = self.service.address() else { return lost("it") };
        self.story.tell("primary", format!("serves http://{address}/"), "");
        let visitor = Visitor::new(address)?;
        match self.args.trouble {
            None => self.play(visitor)?,
            Some(trouble) => self.bring(trouble, visitor)?,
        }
        self.story.tell("primary", "stops,", "and all workers with it");
        self.service.stop();
        self.until(|_| false)
    }
    // ANCHOR_END: run

    /// Goes on until then, or until no worker is left.
    fn until(&mut self, then: impl Fn(&Play) -> bool) -> Outcome {
        while !then(self) {
            match self.service.next_event()? {
                Some(event) => self.tell(event)?,
                None if self.service.is_stopping() => break,
                None => return Err(self.service.why_nobody_is_left().into()),
            }
        }
        Ok(())
    }

    fn tell(&mut self, event: Event) -> Outcome {
        let first = |id: WorkerId| id.get() as usize <= self.args.workers();
        match event {
            Event::Fork(worker) => {
                if let Some(pid) = self.service.primary.pid(worker) {
                    self.story.meet(worker, pid);
                }
                if !first(worker) {
                    self.story.tell("primary", "forks", worker);
                }
            }
            Event::Listening(worker, _) => {
                self.story.tell(worker, "listens", "");
            }
            Event::Output(worker, line) => {
                self.story.tell(worker, "says:", line);
            }
            Event::Exit { worker, exit, voluntary } => {
                let why = host::why(exit, voluntary);
                self.story.tell(worker, format!("{exit},"), why);
                if self.service.restarts() > MOST_DEATHS {
                    return lost("workers die again and again");
                }
            }
            Event::ForkFailed { error, .. } => return Err(error.into()),
            Event::Stopped(report) if !report.is_clean() => {
                return Err(host::not_clean(&report).into());
            }
            _ => {}
        }
        Ok(())
    }

    /// Lets somebody wait in a thread of its own, while the primary goes on.
    fn meanwhile<T: Send>(
        &mut self,
        wait: impl FnOnce() -> T + Send,
    ) -> Result<T> {
        let waker = self.service.primary.waker();
        host::meanwhile(waker, wait, || match self.service.next_event()? {
            Some(event) => self.tell(event),
            None => lost("no worker is left"),
        })
    }
}

/// The scenes know what comes next. Anything else is a failure.
fn lost<T>(what: impl Into<String>) -> Result<T> {
    Err(Failure::new(what, "Run it again with --record FILE.").into())
}
