//! `--stay`: serves until somebody asks for the end, and ends well.

use std::time::Duration;

use cluster::{
    Address, Event, Primary, RestartPolicy, Settings, Signal, Stdio, die_of,
};
use narrator::{Failure, Outcome, Story};

use crate::{Args, WORKERS, telling};

pub(crate) fn run(mut primary: Primary, args: &Args) -> Outcome {
    let story = Story::begin(&args.telling)?;
    primary.setup(Settings::new().stderr(Stdio::Lines));
    primary.signals(&[Signal::SIGINT, Signal::SIGTERM])?;
    for _ in 0..WORKERS {
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
                if listening == WORKERS {
                    let serves = format!("serves http://{address}/");
                    story.tell("primary", serves, "until Ctrl-C");
                }
            }
            Event::Message(worker, message) => {
                telling::news(&story, worker, message)?;
            }
            Event::Output(_, line) if listening == 0 => last_words.push(line),
            Event::Output(worker, line) => story.tell(worker, "says:", line),
            Event::Exit { voluntary: false, .. } if listening == 0 => {
                return Err(cannot_begin(&last_words).into());
            }
            Event::Exit { worker, exit, voluntary: false } if !stopping => {
                story.tell(worker, format!("{exit},"), "not asked");
                restart.after(worker, &mut primary)?;
            }
            Event::Exit { worker, exit, .. } => {
                telling::exit(&story, worker, exit);
            }
            Event::Signal(signal) if stopping => {
                story.hurry();
                story.end();
                die_of(signal);
            }
            Event::Signal(signal) => {
                story.hurry();
                let gets = format!("gets {signal},");
                story.tell("primary", gets, "and begins to stop");
                stopping = true;
                primary.begin_shutdown(args.grace());
            }
            Event::Stopped(report) => {
                telling::report(&story, &report);
                if !report.is_clean() {
                    let advice = "See what they were busy with.";
                    let killed = Failure::new("workers were killed", advice);
                    return Err(killed.into()); // and so this exits 1
                }
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
