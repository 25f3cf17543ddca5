//! Is it really faster, and by how much?
//! `cargo run -p main-runner -- load-test`
//!
//! Loads the server of `http-server` with one worker, then with several, and
//! compares. Read from the top.

mod answer;
mod args;
mod client;
mod compare;
mod load;
mod report;
mod tally;
mod target;
mod url;

use std::net::Ipv4Addr;

use cluster::Role;
use http_server::Service;
use narrator::{Outcome, Story};

pub use crate::args::Args;
use crate::compare::{gone, react};
use crate::tally::Tally;
use crate::target::Target;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A thousand of our connections would cost a worker two thousand of these.
const DESCRIPTORS: u64 = 16_384;

/// Runs the lesson.
///
/// # Errors
/// What went wrong, and what to do about it.
pub fn run(role: Role, args: Args) -> Outcome {
    match (role, &args.url) {
        (Role::Worker(me), _) => {
            http_server::serve(me, (Ipv4Addr::LOCALHOST, 0), DESCRIPTORS)
        }
        (Role::Primary(_), Some(url)) => url::run(url, &args),
        (Role::Primary(primary), None) => {
            let story = begin(&args)?;
            let service = Service::start(primary, 1)?;
            Play { service, story, args }.run()
        }
    }
}

/// With `--json` nothing is told.
fn begin(args: &Args) -> Result<Option<Story>> {
    Ok(if args.json { None } else { Some(Story::begin(&args.telling)?) })
}

/// The primary, and the story that it tells.
struct Play {
    service: Service,
    story: Option<Story>,
    args: Args,
}

impl Play {
    // ANCHOR: run
    fn run(mut self) -> Outcome {
        let cpus = cluster::available_parallelism();
        let many = self.args.workers.map_or(cpus.max(2), |it| it as usize);
        let one = self.measure(1)?;
        for _ in 1..many {
            self.service.primary.fork()?;
        }
        let several = self.measure(many)?;
        self.compare(&one, &several, many);
        self.service.stop();
        while let Some(event) = self.service.next_event()? {
            react(&event)?;
        }
        Ok(())
    }
    // ANCHOR_END: run

    fn measure(&mut self, workers: usize) -> Result<Tally> {
        let plural = if workers == 1 { "worker" } else { "workers" };
        self.tell("primary", &format!("serves with {workers} {plural}"));
        while self.service.serving().len() < workers {
            self.turn()?;
        }
        let Some(address) = self.service.address() else { return gone() };
        let asks = format!("asks on {}", self.args.count_connections());
        self.tell("visitor", &asks);
        let target = Target::local(address);
        let args = self.args.clone();
        let tally = self.meanwhile(move || load::run(&target, &args))??;
        self.draw(&tally);
        self.show(&report::table(&[(format!("{workers} {plural}"), &tally)]));
        report::troubles(&tally).iter().for_each(|line| self.show(line));
        Ok(tally)
    }

    fn tell(&self, actor: &str, deed: &str) {
        self.story.iter().for_each(|story| story.tell(actor, deed, ""));
    }

    /// For the picture: who was asked, and how often it answered.
    fn draw(&self, tally: &Tally) {
        let Some(story) = &self.story else { return };
        for (worker, count) in tally.shares() {
            let worker = format!("worker {worker}");
            story.aside("visitor", "asks", &worker);
            let times = format!("{count} times");
            story.aside(worker, "answers the visitor:", times);
        }
    }

    fn show(&self, text: &str) {
        self.story.iter().for_each(|story| story.show(text));
    }
}

fn print(value: &serde_json::Value) {
    use std::io::Write;
    // Nobody reads it: then nobody misses it.
    let _ = writeln!(std::io::stdout(), "{value}");
}
