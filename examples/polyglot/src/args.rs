//! What may be said on the command line.

use std::ffi::OsString;

use cluster::SchedulingPolicy;
use narrator::Telling;

/// The flags of this lesson.
#[derive(clap::Parser, Clone, Debug, Default)]
#[command(about = "Can processes in different languages serve one port?")]
pub struct Args {
    /// How many workers: in Rust and in Node by turns, or all in PROGRAM
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=64))]
    pub workers: u32,

    /// How many visitors come, one after another
    #[arg(long, value_name = "N", default_value_t = 12)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    #[arg(conflicts_with = "stay")]
    pub requests: u32,

    /// Who chooses a worker: the primary (rr), or the kernel (none)
    #[arg(long, value_name = "POLICY")]
    pub policy: Option<Policy>,

    /// Serve until Ctrl-C or SIGTERM, and replace workers that end
    #[arg(long)]
    pub stay: bool,

    /// Do not replace workers that die
    #[arg(long)]
    pub no_restart: bool,

    /// What workers find in PORT; with --stay and no PROGRAM: 3000
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,

    /// How long workers that are asked to leave may take; then they must
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub grace: u64,

    /// Tell the same story on bare system calls
    #[arg(long, conflicts_with_all = ["stay", "program", "no_restart"])]
    pub by_hand: bool,

    /// How the story is told
    #[command(flatten)]
    pub telling: Telling,

    /// What the workers run, behind --, as in: -- node app.mjs
    #[arg(last = true, value_name = "PROGRAM")]
    pub program: Vec<OsString>,
}

/// Who chooses a worker for a connection.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Eq, PartialEq)]
// The flag's help says it.
#[allow(missing_docs)]
pub enum Policy {
    Rr,
    None,
}

impl Policy {
    /// This one, or each in turn.
    pub(crate) fn chosen(one: Option<Policy>) -> Vec<SchedulingPolicy> {
        let both = vec![Policy::Rr, Policy::None];
        let policies = one.map_or(both, |one| vec![one]);
        policies.into_iter().map(SchedulingPolicy::from).collect()
    }
}

impl From<Policy> for SchedulingPolicy {
    fn from(policy: Policy) -> SchedulingPolicy {
        match policy {
            Policy::Rr => SchedulingPolicy::RoundRobin,
            Policy::None => SchedulingPolicy::Shared,
        }
    }
}
