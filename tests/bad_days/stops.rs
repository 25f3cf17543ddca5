//! Services that are asked to stop while they are asked for other things: whoever had asked before
//! is answered.

use std::fmt;
use std::time::Instant;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;

use crate::crowd::Visit;
use crate::length::length;
use crate::lesson::{Lesson, POLYGLOT, SCHEDULING, SHUTDOWN};
use crate::needing;
use crate::support::SOON;
use crate::trials::trial;

/// More of them than workers that serve one after the other, so that some wait in a queue.
const CLIENTS: usize = 16;

/// Who gets the SIGTERM.
#[derive(Clone, Copy)]
enum Whom {
    Primary,
    /// As systemd, `timeout` and others send it.
    Group,
}

pub fn tests() -> Vec<Trial> {
    let mut trials = Vec::new();
    for lesson in SCHEDULING.into_iter().chain([SHUTDOWN, POLYGLOT]) {
        for (whom, name) in [(Whom::Primary, "primary"), (Whom::Group, "whole_group")] {
            let name =
                format!("{}_answers_all_who_asked_before_its_{name}_got_sigterm", lesson.name);
            let trial = trial(name.clone(), move || are_answered(&name, &lesson, whom));
            trials.push(needing(trial, &lesson, None));
        }
    }
    trials
}

fn are_answered(name: &str, lesson: &Lesson, whom: Whom) {
    let mut stops = Stops::default();
    for round in 0..length().stops {
        stops.add(one(lesson, whom, round));
    }
    println!("{name}: {stops}");
    assert!(stops.trouble.is_empty(), "{stops}\n{:#?}", stops.trouble);
}

/// Stops it once, each time at another moment.
fn one(lesson: &Lesson, whom: Whom, round: usize) -> Stops {
    let server = lesson.start();
    let crowd = server.crowd(lesson, CLIENTS);
    crowd.wait_for_answers(30 + 7 * (round % 50));
    let signalled = Instant::now();
    match whom {
        Whom::Primary => server.run.signal(Signal::SIGTERM),
        Whom::Group => server.run.signal_group(Signal::SIGTERM),
    }
    let output = server.run.finish(lesson.grace * 2);
    let took = signalled.elapsed();
    let visits = crowd.leave();
    server.run.assert_nothing_left(SOON);

    let asked: Vec<Visit> =
        visits.into_iter().filter(|it| it.written.is_some_and(|at| at < signalled)).collect();
    let in_flight = asked.iter().filter(|it| it.ended > signalled).count();
    let mut trouble = Vec::new();
    for visit in &asked {
        match &visit.answer {
            Err(why) => trouble.push(format!("stop {round}: no answer: {why}")),
            Ok(()) if visit.ended > signalled + lesson.grace => {
                trouble.push(format!("stop {round}: answered after the grace"));
            }
            Ok(()) => {}
        }
    }
    let lost = trouble.len();
    if !output.status.success() {
        trouble.push(format!("stop {round}: {output:#?}"));
    }
    Stops { stops: 1, asked: asked.len(), in_flight, lost, slowest: took, trouble }
}

/// What came of them.
#[derive(Default)]
struct Stops {
    stops: usize,
    /// Requests whose last byte was written before the signal was sent.
    asked: usize,
    /// Those of them that were not over when it was sent.
    in_flight: usize,
    /// Those that got no answer in time.
    lost: usize,
    slowest: std::time::Duration,
    trouble: Vec<String>,
}

impl Stops {
    fn add(&mut self, other: Stops) {
        self.stops += other.stops;
        self.asked += other.asked;
        self.in_flight += other.in_flight;
        self.lost += other.lost;
        self.slowest = self.slowest.max(other.slowest);
        self.trouble.extend(other.trouble);
    }
}

impl fmt::Display for Stops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stops { stops, asked, in_flight, lost, slowest, trouble } = self;
        let unclean = trouble.len() - lost;
        write!(
            f,
            "{stops} stops, {asked} had asked, {in_flight} of them in flight, {lost} lost; "
        )?;
        write!(f, "{unclean} with exit code 1; slowest {slowest:.2?}")
    }
}
