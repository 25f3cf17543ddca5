//! What may be said on the command line.

use std::time::Duration;

use narrator::Telling;

/// The flags of this lesson.
#[derive(clap::Parser, Clone, Debug)]
#[command(about = "Is it really faster, and by how much?")]
pub struct Args {
    /// Load a server that runs, instead of 1 worker and then several
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// The second number of workers; as many as CPUs, and 2 at least
    #[arg(long, value_name = "N", conflicts_with = "url")]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=64))]
    pub workers: Option<u32>,

    /// How many connections ask, each one request after another
    #[arg(long, value_name = "N", default_value_t = 16)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=4000))]
    pub connections: u32,

    /// How many threads of this program they share
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=64))]
    pub threads: u32,

    /// How many seconds each run takes
    #[arg(long, value_name = "SECONDS", default_value = "0.7")]
    #[arg(value_parser = seconds)]
    pub duration: Duration,

    /// Stop after so many requests, if that comes first
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub requests: Option<u64>,

    /// Ask so many times a second, answered or not (open loop)
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    pub rate: Option<f64>,

    /// A new connection for each request
    #[arg(long)]
    pub no_keep_alive: bool,

    /// Print one JSON object, and nothing else
    #[arg(long)]
    pub json: bool,

    /// Load another machine: it is mine, and I may
    #[arg(long, requires = "url")]
    pub host_is_mine: bool,

    /// How the story is told
    #[command(flatten)]
    pub telling: Telling,
}

impl Default for Args {
    fn default() -> Args {
        clap::Parser::parse_from(["load-test"])
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match (0.01..=86_400.0).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err("from 0.01 to 86400".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match (0.1..=10_000_000.0).contains(&rate) {
        true => Ok(rate),
        false => Err("from 0.1 to 10000000".to_owned()),
    }
}
