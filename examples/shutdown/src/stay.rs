//! `--stay`: serves until somebody asks for the end, and ends well.

use cluster::Primary;
use host::Service;
use narrator::{Outcome, Story};

use crate::{Args, WORKERS, telling};

pub(crate) fn run(primary: Primary, args: &Args) -> Outcome {
    let story = Story::begin(&args.telling)?;
    let grace = args.grace();
    let service =
        Service { story: &story, workers: WORKERS, grace, opening: "" };
    service.stay(primary, |worker, message| {
        if telling::news(&story, worker, message).is_err() {
            story.tell(worker, "sends what nobody understands", "");
        }
    })
}
