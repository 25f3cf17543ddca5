//! A program that cannot be started for a while, and workers that are killed meanwhile, under load:
//! nobody notices but who was in the hands of a killed worker, and then all workers are back.

use std::fmt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::sys::signal::Signal;

use crate::crowd::{Asks, Crowd, Visit};
use crate::length::length;
use crate::lesson::{HTTP_SERVER, Lesson, POLYGLOT, SCHEDULING, SHUTDOWN, Server};
use crate::support::SOON;
use crate::trials::trial;
use crate::victim::{Kill, kill_worker};
use crate::{needing, needs_root, proc};

const CLIENTS: usize = 4;
/// They leave the machine some air: this is about days that are bad, not busy.
const PAUSE: Duration = Duration::from_millis(5);
/// Longer than the bad time and the time to come back from it: some may have to wait for that.
const PATIENCE: Duration = Duration::from_secs(20);
/// All workers have to be back within this time.
const BACK: Duration = Duration::from_secs(5);

/// What keeps the program from being started.
#[derive(Clone, Copy)]
enum Trouble {
    /// Its file is replaced by one that cannot be executed.
    File,
    /// The primary has no descriptor left but two.
    Descriptors,
    /// The user has as many processes as it may have.
    Processes,
}

pub fn tests() -> Vec<Trial> {
    let mut trials = Vec::new();
    for lesson in SCHEDULING.into_iter().chain([SHUTDOWN, HTTP_SERVER, POLYGLOT]) {
        for (trouble, name) in [
            (Trouble::File, "while_its_file_cannot_be_executed"),
            (Trouble::Descriptors, "while_no_descriptor_is_free"),
            (Trouble::Processes, "while_its_user_may_have_no_more_processes"),
        ] {
            let name = format!("{}_goes_on_{name}", lesson.name);
            let trial = trial(name, move || goes_on(&lesson, trouble));
            let reason = match trouble {
                Trouble::File => None,
                Trouble::Descriptors => has_prlimit().err(),
                Trouble::Processes => needs_root().and_then(|()| has_prlimit()).err(),
            };
            trials.push(needing(trial, &lesson, reason));
        }
    }
    trials
}

/// Part of util-linux.
fn has_prlimit() -> Result<(), &'static str> {
    let found = Command::new("prlimit").arg("--version").output();
    found.map(drop).map_err(|_| "needs prlimit(1)")
}

fn goes_on(lesson: &Lesson, trouble: Trouble) {
    let user = matches!(trouble, Trouble::Processes).then(proc::unused_uid);
    let server = lesson.start_by(&[], user);
    let crowd = Crowd::start(server.address, &[Asks::For("/"); CLIENTS], PAUSE, PATIENCE);
    assert!(crowd.each_is_answered(3), "it does not serve");

    trouble.begins(lesson, &server);
    let (kills, gone) = kill_all(&server);
    trouble.ends(lesson, &server);

    let back = match gone {
        None => server.has_workers_again(lesson.workers, BACK),
        Some(_) => None,
    };
    let serves = back.is_some() && crowd.each_is_answered(2);
    let lives = proc::lives(server.primary);
    let day = Day { kills, gone, back, visits: crowd.leave() };
    println!("{}, {}: {day}", lesson.name, trouble.name());
    server.run.signal(Signal::SIGTERM);
    let output = server.run.finish(lesson.grace * 2);
    assert!(lives, "the primary is gone: {day}\n{output:#?}");
    assert!(day.back.is_some(), "not all workers are back: {day}\n{output:#?}");
    assert!(serves, "it does not serve again: {day}\n{output:#?}");
    assert_eq!(day.lost().count(), 0, "{day}\n{output:#?}");
    assert!(output.status.success(), "{output:#?}");
    server.run.assert_nothing_left(SOON);
}

/// Kills all that are there: one is left for most of the time, and in the end nobody. Says, too,
/// after what time the primary was gone.
fn kill_all(server: &Server) -> (Vec<Kill>, Option<Duration>) {
    let (begin, time) = (Instant::now(), length().unstartable);
    let victims = server.workers();
    let others = victims.len().saturating_sub(1).max(1);
    let mut kills = Vec::new();
    let pass = |until: Duration| {
        thread::sleep((begin + until).saturating_duration_since(Instant::now()));
        proc::lives(server.primary)
    };
    for (number, victim) in victims.iter().enumerate() {
        let share = if number < others { 0.05 + 0.5 * number as f64 / others as f64 } else { 0.8 };
        if !pass(time.mul_f64(share)) {
            return (kills, Some(begin.elapsed()));
        }
        kills.push(kill_worker(*victim, server.address.port()));
    }
    let lives = pass(time);
    (kills, (!lives).then(|| begin.elapsed()))
}

impl Trouble {
    fn name(self) -> &'static str {
        match self {
            Trouble::File => "file replaced",
            Trouble::Descriptors => "no descriptor",
            Trouble::Processes => "no process",
        }
    }

    fn begins(self, lesson: &Lesson, server: &Server) {
        match self {
            Trouble::File => server.folder.replace(lesson.program_of_workers()),
            Trouble::Descriptors => {
                let two_more = proc::open_descriptors(server.primary) + 2;
                limit(server, "nofile", &two_more.to_string());
            }
            Trouble::Processes => limit(server, "nproc", "1"),
        }
    }

    fn ends(self, lesson: &Lesson, server: &Server) {
        match self {
            Trouble::File => server.folder.put_back(lesson.program_of_workers()),
            Trouble::Descriptors => limit(server, "nofile", &usual(Resource::RLIMIT_NOFILE)),
            Trouble::Processes => limit(server, "nproc", &usual(Resource::RLIMIT_NPROC)),
        }
    }
}

/// Sets a soft limit of the primary that runs. Not even root may do that to another user's process
/// everywhere, but that user may.
fn limit(server: &Server, which: &str, to: &str) {
    let mut command = Command::new("prlimit");
    command.args(["--pid", &server.primary.to_string(), &format!("--{which}={to}:")]);
    if let Some(user) = server.user {
        command.uid(user).gid(user);
    }
    let output = command.output().expect("prlimit(1) is here");
    // A primary that is gone is found out later.
    let done = output.status.success() || !proc::lives(server.primary);
    assert!(done, "{}", String::from_utf8_lossy(&output.stderr));
}

/// A soft limit as it is here, and was there.
fn usual(which: Resource) -> String {
    match getrlimit(which) {
        Ok((soft, _)) if soft != RLIM_INFINITY => soft.to_string(),
        _ => "unlimited".to_owned(),
    }
}

/// What a bad day did.
struct Day {
    kills: Vec<Kill>,
    /// When the primary was gone.
    gone: Option<Duration>,
    back: Option<Duration>,
    visits: Vec<Visit>,
}

impl Day {
    /// Who failed without having been in the hands of a worker that was killed.
    fn lost(&self) -> impl Iterator<Item = &Visit> {
        let failed = self.visits.iter().filter(|it| it.answer.is_err());
        failed.filter(|visit| !self.kills.iter().any(|kill| kill.excuses(visit)))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Day { kills, gone, back, visits, .. } = self;
        let failed = visits.iter().filter(|it| it.answer.is_err()).count();
        let lost = self.lost().count();
        let (kills, visits) = (kills.len(), visits.len());
        let longest = self.visits.iter().map(|it| it.ended - it.began).max().unwrap_or_default();
        write!(f, "{kills} killed, {visits} asked, {} failed in their hands, ", failed - lost)?;
        write!(f, "{lost} elsewhere; longest wait {longest:.1?}; ")?;
        let reason = |visit: &Visit| visit.answer.clone().err();
        if let Some(reason) = self.lost().find_map(reason) {
            write!(f, "first: {reason}; ")?;
        }
        match (gone, back) {
            (Some(after), _) => write!(f, "primary gone after {after:.1?}"),
            (None, Some(after)) => write!(f, "all back after {after:.2?}"),
            (None, None) => write!(f, "not all back within {BACK:?}"),
        }
    }
}
