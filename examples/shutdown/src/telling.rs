//! What workers say, whether the service stops soon or stays.

use cluster::{Message, WorkerId};
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
