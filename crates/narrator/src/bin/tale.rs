//! A program that tells a tale: what the black-box tests watch.

use std::process::ExitCode;

use narrator::{Failure, Outcome, Story, Telling};

const DEEDS: [&str; 8] = ["wakes", "sings", "reads", "runs", "eats", "paints", "listens", "sleeps"];

/// A short tale, told as a lesson would tell it.
#[derive(clap::Parser, Clone, Debug, Default)]
#[command(about = "Tells a short tale")]
struct Args {
    /// How many sentences it has, about three workers in turn
    #[arg(long, default_value_t = 3)]
    sentences: usize,

    /// What each worker says
    #[arg(long, default_value = "hi there")]
    object: String,

    /// Each sentence tells of another deed
    #[arg(long)]
    deeds: bool,

    /// Tell it without a thread
    #[arg(long)]
    by_hand: bool,

    /// Hurry after the last sentence
    #[arg(long)]
    hurry: bool,

    /// Show a table at the end
    #[arg(long)]
    table: bool,

    /// Panic after the last sentence
    #[arg(long)]
    panic: bool,

    /// Do not say on standard error that all is told
    #[arg(long)]
    mute: bool,

    /// Fail at the end
    #[arg(long)]
    fail: bool,

    /// Take the arguments as a worker does
    #[arg(long)]
    worker: bool,

    #[command(flatten)]
    telling: Telling,
}

fn main() -> ExitCode {
    narrator::run(|| {
        let is_worker = std::env::args().any(|argument| argument == "--worker");
        tell(&narrator::arguments(is_worker))
    })
}

fn tell(args: &Args) -> Outcome {
    let story = match args.by_hand {
        true => Story::by_hand(&args.telling)?,
        false => Story::begin(&args.telling)?,
    };
    for number in 0..args.sentences {
        let worker = format!("worker {}", number % 3 + 1);
        story.meet(&worker, 1000);
        match args.deeds {
            true => story.tell(worker, DEEDS[number % DEEDS.len()], ""),
            false => story.tell(worker, "says:", format_args!("{} {number}", args.object)),
        }
    }
    if args.table {
        story.show("a\tb\nc\td");
        story.show("");
    }
    // The tests' sign that telling is over, whatever the printing does.
    if !args.mute {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"all told\n");
    }
    if args.hurry {
        story.hurry();
    }
    assert!(!args.panic, "the tale breaks");
    if args.fail {
        return Err(Failure::new("the tale is sad", "tell another one").into());
    }
    story.end();
    Ok(())
}
