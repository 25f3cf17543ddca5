//! `--stay`: serves until somebody asks for the end.

use std::time::Duration;

use cluster::Primary;
use host::Service;
use narrator::{Outcome, Story};

use crate::{Args, chart};

/// How long workers may finish what they are doing.
const GRACE: Duration = Duration::from_secs(6);

pub(crate) fn run(mut primary: Primary, args: &Args) -> Outcome {
    let story = Story::begin(&args.telling)?;
    let policy = args.policy.each()[0];
    primary.set_scheduling_policy(policy)?;
    let service = Service {
        story: &story,
        workers: args.workers,
        grace: GRACE,
        opening: chart::opening(policy),
    };
    service.stay(primary, |worker, message| {
        story.tell(worker, message.text().unwrap_or_default(), "");
    })
}
