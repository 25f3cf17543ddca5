//! A storm of forks: workers that die at birth, each replaced at once.

use std::time::{Duration, Instant};

use cluster::{Event, Primary, Restart, RestartPolicy};
use narrator::{Outcome, Story};

use crate::WORKERS;
use crate::strategy::own;

/// With this code a worker dies at birth: a wrong setting, a missing file.
pub(crate) const AT_BIRTH: i32 = 1;

/// The storm is let loose for so long,
const LONGEST: Duration = Duration::from_secs(1);
/// and for no more workers than this.
const MOST: usize = 1000;

pub(crate) fn run(mut primary: Primary, story: &Story) -> Outcome {
    let_loose(&mut primary, story)?;
    tame(&mut primary, story)
}

// ANCHOR: storm
fn let_loose(primary: &mut Primary, story: &Story) -> Outcome {
    let dying = format!("{WORKERS} workers that die at birth");
    story.tell("primary", "forks", dying);
    story.tell("primary", "replaces each of them at once", "");
    let start = Instant::now();
    for _ in 0..WORKERS {
        primary.fork()?;
    }
    let mut forked = 0;
    while forked < MOST {
        match primary.next_event_before(start + LONGEST)? {
            Some(Event::Fork(_)) => forked += 1,
            Some(Event::Deadline) | None => break,
            Some(event) => own(&event, primary)?,
        }
    }
    let took = start.elapsed().as_secs_f64();
    let storm = format!("{forked} workers in {took:.1} s: a storm");
    story.tell("primary", "forked", storm);
    while primary.next_event()?.is_some() {} // the last ones die, unreplaced
    Ok(())
}
// ANCHOR_END: storm

// ANCHOR: tame
fn tame(primary: &mut Primary, story: &Story) -> Outcome {
    let [first, most] = [100, 800].map(Duration::from_millis);
    let mut restart = RestartPolicy::back_off(first, most)
        .at_most(3, Duration::from_secs(10));
    story.tell("primary", "forks one more, and takes its time with it", "");
    primary.fork()?;
    while let Some(event) = primary.next_event()? {
        let Event::Exit { worker, exit, .. } = event else { continue };
        story.tell(worker, format!("{exit},"), "not asked");
        match restart.after(worker, primary) {
            Restart::In { delay, .. } => {
                let delay = format!("{} ms", delay.as_millis());
                story.tell("primary", "waits", delay);
            }
            gave_up => story.tell("primary", gave_up, ""),
        }
    }
    Ok(())
}
// ANCHOR_END: tame
