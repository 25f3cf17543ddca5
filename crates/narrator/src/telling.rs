//! The flags that say how a story is told.

use std::path::PathBuf;
use std::time::Duration;

use crate::pace::parse_pause;
use crate::picture::{Choice, Picture};

/// The flags that every lesson has; each lesson flattens them into its own.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Telling {
    /// Pause between sentences, 700ms or as long as you say (2s, 1.5s, 300ms)
    // Only what is printed waits: the program itself runs at full speed. A second paragraph of help
    // would say so, but it would also make `--help` of every lesson twice as long.
    #[arg(
        long,
        value_name = "DURATION",
        num_args = 0..=1,
        default_missing_value = "700ms",
        value_parser = parse_pause,
        help_heading = HEADING
    )]
    pub slow: Option<Duration>,

    /// Wait for Enter after each sentence
    #[arg(long, conflicts_with = "slow", help_heading = HEADING)]
    pub step: bool,

    /// Ask what comes next before telling it; into a pipe: print that as a sheet
    #[arg(long, conflicts_with_all = ["slow", "step", "picture"], help_heading = HEADING)]
    pub predict: bool,

    /// With --predict: the same questions for the same number
    #[arg(long, value_name = "N", requires = "predict", help_heading = HEADING)]
    pub seed: Option<u64>,

    /// Show the process id of each actor
    #[arg(long, help_heading = HEADING)]
    pub pids: bool,

    /// Also write each sentence to FILE, as one JSON object per line
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub record: Option<PathBuf>,

    /// Draw a picture of the run when it has ended
    #[arg(long, value_name = "KIND", help_heading = HEADING)]
    pub picture: Option<Picture>,

    /// Draw only sentences with one of these words; -WORD leaves out
    #[arg(long, value_name = "WORDS,...", allow_hyphen_values = true)]
    #[arg(requires = "picture", help_heading = HEADING)]
    pub picture_of: Option<Choice>,
}

const HEADING: &str = "How the story is told";

impl Telling {
    /// Whether sentences may still come when what they tell is over long since.
    pub fn has_a_pace(&self) -> bool {
        self.slow.is_some() || self.step || self.predict
    }
}
