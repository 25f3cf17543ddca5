//! The program of a lesson's exercises: the tests, the judge of one exercise, and each process of a judged run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use cluster::Role;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

use crate::finding::{Finding, report, report_panic, short};
use crate::outcome::{LEARNERS, Outcome};
use crate::run::{EXERCISE, JUDGE, TEXT, Text, run};
use crate::verdict::{Verdict, Wrong};
use crate::{starters, words};

/// An exercise: what a learner writes, one way to write it, and who judges.
pub struct Exercise {
    folder: &'static Path,
    judge: Box<dyn Fn(Role, Text) -> Verdict>,
}

impl Exercise {
    /// The exercise in the folder of this `check.rs` (its `file!()`). What learner and solution offer has the same type.
    pub fn new<F: Copy + 'static>(
        check: &'static str,
        judge: fn(Role, F) -> Verdict,
        learners: F,
        solution: F,
    ) -> Exercise {
        let judge = move |role, text| match text {
            Text::Learners => judge(role, learners),
            Text::Solution => judge(role, solution),
        };
        let folder = Path::new(check).parent().unwrap_or(Path::new(""));
        Exercise { folder, judge: Box::new(judge) }
    }

    /// The name of its folder.
    fn name(&self) -> &'static str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }
}

/// The `main` of the test target that holds a lesson's exercises.
pub fn main(exercises: &[Exercise]) -> ExitCode {
    let role = cluster::role(); // first, before arguments and threads
    let find = |name: &str| exercises.iter().find(|exercise| exercise.name() == name);
    if let Ok(name) = std::env::var(EXERCISE) {
        return find(&name).map_or(ExitCode::FAILURE, |exercise| play(exercise, role));
    }
    drop(role); // this process starts the judged ones, and has no part in them
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["check", name] => match find(name) {
            Some(exercise) => check(exercise),
            None => {
                eprintln!("error: there is no exercise `{name}` here");
                ExitCode::from(2)
            }
        },
        _ => libtest_mimic::run(&Arguments::from_args(), trials(exercises)).exit_code(),
    }
}

/// One process of a judged run: the primary, or a worker.
fn play(exercise: &Exercise, role: Result<Role, cluster::Error>) -> ExitCode {
    std::panic::set_hook(Box::new(report_panic));
    let solution = std::env::var(TEXT).is_ok_and(|text| text == Text::Solution.name());
    let text = if solution { Text::Solution } else { Text::Learners };
    let is_primary = cluster::is_primary();
    if is_primary {
        // Whoever waits for us may be ended by Ctrl-C, which does not reach our group.
        let _ = set_pdeathsig(Signal::SIGKILL);
        let judge = std::env::var(JUDGE).ok().and_then(|it| it.parse().ok());
        if judge.is_some_and(|judge| Pid::from_raw(judge) != getppid()) {
            return ExitCode::FAILURE; // it has been ended before that
        }
    }
    let verdict = role.map_err(Into::into).and_then(|role| (exercise.judge)(role, text));
    match verdict {
        Ok(()) if is_primary => report(&Finding::Solved),
        Ok(()) => {}
        Err(error) => {
            report(&match error.downcast_ref::<Wrong>() {
                Some(Wrong { expected, seen }) => {
                    Finding::Wrong { expected: short(expected), seen: short(seen) }
                }
                None => Finding::Error(short(&error.to_string())),
            });
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Judges the learner's file, for the learner.
fn check(exercise: &Exercise) -> ExitCode {
    match run(exercise.name(), Text::Learners, Stdio::inherit) {
        Ok(outcome) => {
            let text = words::tell(exercise.name(), exercise.folder, &outcome);
            let _ = std::io::stdout().write_all(text.as_bytes()); // or nobody reads it
            if outcome == Outcome::Solved { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: cannot start the judged program: {error}");
            ExitCode::FAILURE
        }
    }
}

fn trials(exercises: &[Exercise]) -> Vec<Trial> {
    let both = |exercise: &Exercise| {
        let (name, folder) = (exercise.name(), exercise.folder);
        let snake = name.replace('-', "_");
        [
            Trial::test(format!("the_solution_of_{snake}_solves_it"), move || solves(name)),
            Trial::ignorable_test(format!("the_starter_of_{snake}_fails_kindly"), move || {
                fails_kindly(name, &workspace().join(folder).join(LEARNERS))
            }),
        ]
    };
    exercises.iter().flat_map(both).collect()
}

fn solves(name: &str) -> Result<(), Failed> {
    match run(name, Text::Solution, Stdio::null)? {
        Outcome::Solved => Ok(()),
        other => Err(format!("{other:#?}").into()),
    }
}

/// The untouched file ends in its `todo!`. What a learner has begun is not judged here.
fn fails_kindly(name: &str, file: &Path) -> Result<Completion, Failed> {
    if !starters::is_untouched(file)? {
        return Ok(Completion::ignored_with("somebody is at work on it"));
    }
    match run(name, Text::Learners, Stdio::null)? {
        Outcome::Todo { what, .. } if !what.is_empty() => Ok(Completion::Completed),
        other => Err(format!("a `todo!` that says what to do, not {other:#?}").into()),
    }
}

/// The folder that `file!()` is relative to.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
