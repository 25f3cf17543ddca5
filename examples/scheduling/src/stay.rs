//! `--stay`: serves until somebody asks for the end.

use std::time::Duration;

use cluster::{
    Address, Event, Primary, RestartPolicy, Settings, Signal, Stdio, die_of,
};
use narrator::{Failure, Outcome, Story};

use crate::{Args, chart};

/// How long workers may finish what they are doing.
const GRACE: Duration = Duration::from_secs(6);

pub(crate) fn run(mut primary: Primary, args: &Args) -> Outcome {
    let story = Story::begin(&args.telling)?;
    let policy = args.policy.each()[0];
    primary.set_scheduling_policy(policy)?;
    primary.setup(Settings::new().stderr(Stdio::Lines));
    primary.signals(&[Signal::SIGINT, Signal::SIGTERM])?;
    for _ in 0..args.workers {
        primary.fork()?;
    }
    let minute = Duration::from_secs(60);
    let mut restart = RestartPolicy::at_once().at_most(20, minute);
    let mut last_words = Vec::new();
    let (mut listening, mut stopping) = (0, false);
    while let Some(event) = primary.next_event()? {
        match event {
            Event::Listening(_, Address::Tcp(address)) => {
                listening += 1;
                if listening == args.workers {
                    story.tell("primary", chart::opening(policy), "");
                    let serves = format!("serves http://{address}/");
                    story.tell("primary", serves, "until Ctrl-C");
                }
            }
            Event::Message(worker, message) => {
                story.tell(worker, message.as_str().unwrap_or_default(), "");
            }
            Event::Output(_, line) if listening == 0 => last_words.push(line),
            Event::Output(worker, line) => story.tell(worker, "says:", line),
            Event::Exit { voluntary: false, .. } if listening == 0 => {
                return Err(cannot_begin(&last_words).into());
            }
            Event::Exit { worker, exit, voluntary: false } if !stopping => {
                story.tell(worker, format!("{exit}, not asked"), "");
                restart.after(worker, &mut primary)?;
            }
            Event::Exit { worker, exit, .. } => {
                story.tell(worker, format!("{exit}, as asked"), "");
            }
            Event::Signal(signal) if stopping => {
                story.hurry();
                story.end();
                die_of(signal);
            }
            Event::Signal(signal) => {
                story.hurry();
                story.tell("primary", format!("gets {signal},"), "stops");
                stopping = true;
                primary.begin_shutdown(GRACE);
            }
            Event::Stopped(report) if !report.is_clean() => {
                let advice = "See what they were busy with.";
                return Err(Failure::new("workers were killed", advice).into());
            }
            _ => {}
        }
    }
    Ok(())
}

/// A worker that cannot listen says why in two lines: they are the reason.
fn cannot_begin(last_words: &[String]) -> Failure {
    let after = |word: &str| {
        let mut lines = last_words.iter();
        lines.find_map(|line| line.strip_prefix(word)).map(str::to_owned)
    };
    Failure::new(
        after("error: ").unwrap_or_else(|| "no worker listens".to_owned()),
        after("help: ").unwrap_or_else(|| last_words.join(" ")),
    )
}
