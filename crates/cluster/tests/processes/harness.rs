//! How a test is told: what its primary does, what its workers do, and what is seen from outside.

use std::process::Command;
use std::time::Duration;

use cluster::{Event, Exit, Primary, Role, Settings, Worker, WorkerId};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

#[path = "../../../../tests/support/times.rs"]
mod times;

pub use crate::program::Program;
// Not every target with this harness sends signals.
#[allow(unused_imports)]
pub use crate::program::send_signal;
use times::timed;

/// Nothing here takes this long. It only ends what hangs.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// One test. The parts run in different processes, so they share nothing but the text of this
/// program.
#[derive(Clone, Copy)]
pub struct Test {
    pub name: &'static str,
    primary: fn(Primary),
    worker: fn(Worker, &str),
    plain: fn(&str),
    outside: fn(&Test),
    needs: fn() -> Result<(), String>,
    pub policy: Option<&'static str>,
    command: fn() -> Command,
    before: fn(&mut Primary),
}

pub fn test(name: &'static str) -> Test {
    Test {
        name,
        primary: |_| panic!("this test has no primary of ours"),
        worker: |mut me, _| while me.recv().unwrap().is_some() {},
        plain: |_| panic!("this test has no plain program"),
        outside: |test| test.start().succeeds(),
        needs: || Ok(()),
        policy: None,
        command: || Command::new(std::env::current_exe().unwrap()),
        before: |_| {},
    }
}

impl Test {
    /// What the primary does. The test fails if it panics.
    pub fn primary(self, primary: fn(Primary)) -> Test {
        Test { primary, ..self }
    }

    /// What each worker does; it is told its part, if it was forked with one. Without this it waits
    /// for the disconnect.
    pub fn worker(self, worker: fn(Worker, &str)) -> Test {
        Test { worker, ..self }
    }

    /// What a program does that knows nothing of our crate.
    pub fn plain(self, plain: fn(&str)) -> Test {
        Test { plain, ..self }
    }

    /// What is done and seen from outside. Without this, the primary has to exit 0.
    pub fn outside(self, outside: fn(&Test)) -> Test {
        Test { outside, ..self }
    }

    /// What the machine must have, or the test is reported as ignored.
    pub fn needs(self, needs: fn() -> Result<(), String>) -> Test {
        Test { needs, ..self }
    }

    /// What `NODE_CLUSTER_SCHED_POLICY` says in the primary.
    pub fn policy(self, policy: &'static str) -> Test {
        Test { policy: Some(policy), ..self }
    }

    /// How its primary is started, where that is another program than this one.
    // For the target `conformance`, as the next one.
    #[allow(dead_code)]
    pub fn command(self, command: fn() -> Command) -> Test {
        Test { command, ..self }
    }

    /// What is done to the primary before its part begins.
    #[allow(dead_code)]
    pub fn before(self, before: fn(&mut Primary)) -> Test {
        Test { before, ..self }
    }

    pub fn start(&self) -> Program {
        self.start_with(&[])
    }

    pub fn start_with(&self, args: &[&str]) -> Program {
        self.start_changed(|command| {
            command.args(args);
        })
    }

    pub fn start_changed(&self, change: impl FnOnce(&mut Command)) -> Program {
        let mut command = (self.command)();
        change(&mut command);
        Program::start(self, command)
    }

    /// Starts it by a shell, which ends with `exec "$0"`.
    pub fn start_by_shell(&self, script: &str) -> Program {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(script).arg(std::env::current_exe().unwrap());
        Program::start(self, shell)
    }

    pub fn run(&self) -> Result<Completion, Failed> {
        if let Err(reason) = (self.needs)() {
            return Ok(Completion::ignored_with(reason));
        }
        timed(self.name, || (self.outside)(self));
        Ok(Completion::Completed)
    }
}

/// The same test under both policies. Its workers do as they are told.
pub fn in_both(name: &str, primary: fn(Primary)) -> [Test; 2] {
    [("round_robin", "rr"), ("shared", "none")].map(|(name_of_policy, policy)| {
        test(format!("{name}_under_{name_of_policy}").leak())
            .policy(policy)
            .primary(primary)
            .worker(crate::remote::obeys)
    })
}

/// Settings for a worker, or a plain program, with a part of its own.
pub fn part(part: &str) -> Settings {
    Settings::new().env("CLUSTER_PART", part)
}

/// Settings for this binary as a program that knows nothing of our crate.
pub fn plain(name: &str) -> Settings {
    part(name).exec(std::env::current_exe().unwrap()).env("CLUSTER_PLAIN", "1")
}

pub fn main(subjects: &[fn() -> Vec<Test>]) {
    let tests = || subjects.iter().flat_map(|subject| subject());
    if plays_a_part(tests) {
        return;
    }
    let trials = tests().map(|test| Trial::ignorable_test(test.name, move || test.run()));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit()
}

/// Does its part if this process is one of a test, and says whether it was. If not, it is the one
/// that runs the tests.
pub fn plays_a_part<T: Iterator<Item = Test>>(tests: impl FnOnce() -> T) -> bool {
    // A plain program must not take the role that its environment offers.
    let plain = std::env::var_os("CLUSTER_PLAIN").is_some();
    let role = if plain { None } else { Some(cluster::role().unwrap()) };
    let Ok(name) = std::env::var("CLUSTER_TEST") else {
        drop(role);
        take_signals_as_usual();
        return false;
    };
    let test = tests().find(|test| test.name == name).unwrap();
    let part = std::env::var("CLUSTER_PART").unwrap_or_default();
    match role {
        None => (test.plain)(&part),
        Some(Role::Worker(me)) => (test.worker)(me, &part),
        Some(Role::Primary(mut primary)) => {
            (test.before)(&mut primary);
            (test.primary)(primary);
        }
    }
    true
}

/// Whoever started the tests may have ignored or blocked signals, as shells do for what runs in the
/// background; and all that the tests start would inherit that.
fn take_signals_as_usual() {
    use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
    for usual in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD] {
        #[allow(unsafe_code)]
        // SAFETY: the default action runs no code of ours.
        unsafe { signal(usual, SigHandler::SigDfl) }.unwrap();
    }
    SigSet::all().thread_unblock().unwrap();
}

/// What scenarios ask of a primary.
pub trait Events {
    /// Handles events until one answers the question; panics if they end before.
    fn until<T>(&mut self, question: impl FnMut(Event) -> Option<T>) -> T;

    /// Waits for the next message of this worker.
    /// What this worker says next; what others say meanwhile is passed over.
    fn hears(&mut self, from: WorkerId) -> serde_json::Value;

    /// One message from each of these workers, whoever speaks first.
    fn hears_each<const N: usize>(&mut self, workers: [WorkerId; N]) -> [serde_json::Value; N];

    /// All events until the end, in short, without `setup`.
    fn rest(&mut self) -> Vec<String>;

    fn waits_until_online(&mut self, count: usize);
}

impl Events for Primary {
    #[track_caller]
    fn until<T>(&mut self, mut question: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            let event = self.next_event().unwrap().expect("the events ended");
            if let Some(answer) = question(event) {
                return answer;
            }
        }
    }

    #[track_caller]
    fn hears(&mut self, from: WorkerId) -> serde_json::Value {
        self.until(|event| match event {
            Event::Message(worker, message) if worker == from => Some(message.value().unwrap()),
            Event::Exit { worker, .. } if worker != from => None,
            Event::Error(..) | Event::Exit { .. } => panic!("{event:?}"),
            _ => None,
        })
    }

    #[track_caller]
    fn hears_each<const N: usize>(&mut self, workers: [WorkerId; N]) -> [serde_json::Value; N] {
        let mut said = [const { None }; N];
        while said.iter().any(Option::is_none) {
            let (worker, value) = self.until(|event| match event {
                Event::Message(worker, message) => Some((worker, message.value().unwrap())),
                Event::Error(..) | Event::Exit { .. } => panic!("{event:?}"),
                _ => None,
            });
            let at = workers.iter().position(|&it| it == worker).expect("one of these");
            assert!(said[at].replace(value).is_none(), "worker {worker} speaks twice");
        }
        said.map(Option::unwrap)
    }

    fn rest(&mut self) -> Vec<String> {
        let mut events = Vec::new();
        while let Some(event) = self.next_event().unwrap() {
            events.extend(in_short(&event));
        }
        events
    }

    fn waits_until_online(&mut self, count: usize) {
        for _ in 0..count {
            self.until(|event| matches!(event, Event::Online(_)).then_some(()));
        }
    }
}

/// An event in one line.
pub fn in_short(event: &Event) -> Option<String> {
    Some(match event {
        Event::Setup(_) => return None,
        Event::Fork(worker) => format!("{worker} forked"),
        Event::Online(worker) => format!("{worker} online"),
        Event::Message(worker, message) => format!("{worker} says {}", message.value().unwrap()),
        Event::Output(worker, line) => format!("{worker} prints {line}"),
        Event::Disconnect(worker) => format!("{worker} disconnected"),
        Event::Exit { worker, exit, voluntary } => {
            format!("{worker} {exit}, {}", if *voluntary { "voluntary" } else { "unasked" })
        }
        Event::Error(worker, error) => format!("{worker} error: {error}"),
        other => format!("{other:?}"),
    })
}

/// How the only worker ended.
pub fn exit_of(primary: &mut Primary) -> (Exit, bool) {
    primary.until(|event| match event {
        Event::Exit { exit, voluntary, .. } => Some((exit, voluntary)),
        _ => None,
    })
}

/// What this process has used of the CPUs so far.
pub fn cpu_time() -> Duration {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).unwrap();
    [usage.user_time(), usage.system_time()]
        .map(|time| Duration::from_micros(time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64))
        .iter()
        .sum()
}
