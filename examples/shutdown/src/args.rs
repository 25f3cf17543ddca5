//! What may be said on the command line.

use std::time::Duration;

use narrator::Telling;

/// The flags of this lesson.
#[derive(clap::Parser, Clone, Debug, Default)]
#[command(about = "How does a service stop without hanging up on anyone?")]
pub struct Args {
    /// Worker 2 does not leave when asked, nor when warned
    #[arg(long)]
    pub stubborn: bool,

    /// Serve until Ctrl-C or SIGTERM, for curl and a browser
    #[arg(long, conflicts_with = "by_hand")]
    pub stay: bool,

    /// Where --stay serves; 0: on any free port
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    #[arg(requires = "stay")]
    pub port: u16,

    /// What becomes of who connects while the door is being closed
    #[arg(long, conflicts_with_all = ["stay", "by_hand", "stubborn"])]
    pub door: bool,

    /// Tell the same story on bare system calls
    #[arg(long)]
    pub by_hand: bool,

    /// How the story is told
    #[command(flatten)]
    pub telling: Telling,
}

impl Args {
    /// How long workers may finish what they have begun. Then they are warned,
    /// and killed after as long again, but no longer than a second.
    pub(crate) fn grace(&self) -> Duration {
        match self.stubborn {
            true => Duration::from_millis(800), // nobody wants to wait for that
            false => Duration::from_secs(8),
        }
    }
}
