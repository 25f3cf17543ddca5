//! What may be said on the command line.

use cluster::SchedulingPolicy;
use narrator::Telling;

/// The flags of this lesson.
#[derive(clap::Parser, Clone, Debug, Default)]
#[command(about = "Who gets the next connection?")]
pub struct Args {
    /// How many visitors come, one after another
    #[arg(long, value_name = "N", default_value_t = 12)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub requests: u32,

    /// How many workers serve them
    #[arg(long, value_name = "N", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=16))]
    pub workers: u32,

    /// Who chooses: the primary (rr), the kernel (none), or each in turn
    #[arg(long, value_name = "POLICY", default_value = "both")]
    pub policy: Policy,

    /// Serve until Ctrl-C, for curl and a browser
    #[arg(long, conflicts_with = "by_hand")]
    pub stay: bool,

    /// Where --stay serves; 0: on any free port
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    #[arg(requires = "stay")]
    pub port: u16,

    /// Tell the same story on bare system calls
    #[arg(long)]
    pub by_hand: bool,

    /// How the story is told
    #[command(flatten)]
    pub telling: Telling,
}

/// Whose turn it is to choose.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, Eq, PartialEq)]
// The flag's help says it.
#[allow(missing_docs)]
pub enum Policy {
    Rr,
    None,
    #[default]
    Both,
}

impl Policy {
    /// The policies, one after the other.
    pub(crate) fn each(self) -> &'static [SchedulingPolicy] {
        use SchedulingPolicy::{RoundRobin, Shared};
        match self {
            Policy::Rr => &[RoundRobin],
            Policy::None => &[Shared],
            Policy::Both => &[RoundRobin, Shared],
        }
    }
}
