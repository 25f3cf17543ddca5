//! Sentences that a service tells, whether it stops soon or stays.

use cluster::{Exit, Message, Report, WorkerId};
use narrator::Story;

use crate::Result;
use crate::worker::News;

pub(crate) fn news(
    story: &Story,
    worker: WorkerId,
    message: Message,
) -> Result<News> {
    let news = message.parse()?;
    match news {
        News::Begins => story.tell(worker, "begins to read a request", ""),
        News::Answered { begun, answered } => {
            let tally = format!("{answered} of {begun}");
            story.tell(worker, "has answered", tally);
        }
    }
    Ok(news)
}

/// The end of a worker that was asked to leave.
pub(crate) fn exit(story: &Story, worker: WorkerId, exit: Exit) {
    match exit {
        Exit::Code(_) => story.tell(worker, format!("{exit},"), "as asked"),
        _ => story.tell(worker, exit, ""),
    }
}

pub(crate) fn report(story: &Story, report: &Report) {
    let how = match &report.by_sigkill[..] {
        [] if report.is_clean() => "every worker left by itself".to_owned(),
        [] => "workers had to be warned".to_owned(),
        [worker] => format!("{worker} had to be killed"),
        more => format!("{} workers had to be killed", more.len()),
    };
    story.tell("primary", "has stopped:", how);
}
