//! `--url`: loads a server that runs.

use std::process;
use std::sync::atomic::Ordering::Relaxed;

use narrator::Outcome;

use crate::target::Target;
use crate::{Args, begin, load, print, report};

/// `--url`: no cluster here, so Ctrl-C is left to the crate ctrlc.
pub(crate) fn run(url: &str, args: &Args) -> Outcome {
    let target = Target::parse(url, args.host_is_mine)?;
    let story = begin(args)?;
    // ANCHOR: ctrlc
    ctrlc::set_handler(|| {
        // The second time it is meant: no report, the end.
        if load::STOP.swap(true, Relaxed) {
            process::exit(130);
        }
    })?;
    // ANCHOR_END: ctrlc
    let asks = format!("loads {url} on {} connections", args.connections);
    story.iter().for_each(|story| story.tell("visitor", &asks, ""));
    let tally = load::run(&target, args)?;
    match &story {
        None => print(&tally.to_json()),
        Some(story) => {
            story.show(report::table(&[("".to_owned(), &tally)]));
            report::troubles(&tally).iter().for_each(|it| story.show(it));
            report::shares(&tally).iter().for_each(|it| story.show(it));
            story.show(report::histogram(&tally));
            story.end();
        }
    }
    match load::STOP.load(Relaxed) {
        true => process::exit(130), // as shells show SIGINT
        false => Ok(()),
    }
}
