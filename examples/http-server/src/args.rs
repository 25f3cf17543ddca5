//! What may be said on the command line.

use std::net::IpAddr;

use narrator::Telling;

/// The flags of this lesson.
#[derive(clap::Parser, Clone, Debug)]
#[command(about = "How do many processes serve one port?")]
pub struct Args {
    /// How many visitors come, one after another
    #[arg(long, value_name = "N", default_value_t = 12)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    #[arg(conflicts_with = "stay")]
    pub requests: u32,

    /// How many workers serve; 2, and with --stay one per available CPU
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=64))]
    pub workers: Option<u32>,

    /// Bring a visitor who finds a weak spot of tiny_http
    #[arg(long, value_name = "WHICH", conflicts_with_all = ["stay", "by_hand"])]
    pub trouble: Option<Trouble>,

    /// Serve until Ctrl-C, for curl and a browser; on a terminal, ? shows keys
    #[arg(long, conflicts_with = "by_hand")]
    pub stay: bool,

    /// Where --stay serves; 0: on any free port
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    #[arg(requires = "stay")]
    pub port: u16,

    /// The address where --stay serves
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    #[arg(requires = "stay")]
    pub host: IpAddr,

    /// Tell the same story on bare system calls
    #[arg(long)]
    pub by_hand: bool,

    /// How the story is told
    #[command(flatten)]
    pub telling: Telling,
}

/// What a visitor does that tiny_http does not bear.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// Announces a body of 1000 terabytes
    Abort,
    /// Holds more connections than a worker has descriptors
    Descriptors,
    /// Sends half a request, and waits
    Half,
}

impl Args {
    /// How many workers serve.
    pub(crate) fn workers(&self) -> usize {
        match self.workers {
            Some(workers) => workers as usize,
            None if self.stay => cluster::available_parallelism(),
            None => 2,
        }
    }

    /// Where they listen: all on the same port, whichever is free for 0.
    pub(crate) fn address(&self) -> (IpAddr, u16) {
        (self.host, if self.stay { self.port } else { 0 })
    }
}

impl Default for Args {
    fn default() -> Args {
        clap::Parser::parse_from(["http-server"])
    }
}
