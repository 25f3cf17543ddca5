//! How many workers should there be?

use cluster::Role;
use narrator::{Outcome, Story, Telling};

/// The flags of this lesson.
#[derive(clap::Parser, Clone, Debug, Default)]
#[command(about = "How many workers should there be?")]
pub struct Args {
    /// How the story is told.
    #[command(flatten)]
    pub telling: Telling,
}

/// Runs the lesson.
///
/// # Errors
/// What went wrong, and what to do about it.
pub fn run(_role: Role, args: Args) -> Outcome {
    let story = Story::begin(&args.telling)?;
    story.tell("primary", "is", "alone so far");
    Ok(())
}
