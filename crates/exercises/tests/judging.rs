//! Exercises with known faults, and what a learner is told about each.

// A test that cannot go on fails by panicking.
#![allow(clippy::unwrap_used)]

#[path = "judging/exercise.rs"]
mod exercise;

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};

use cluster::{Error, Event, Primary, Role, Worker};
use exercises::{Events, Exercise, Verdict, same};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let judged = std::env::var_os("EXERCISE").is_some();
    if judged || std::env::args().nth(1).is_some_and(|word| word == "check") {
        return exercises::main(&faulty());
    }
    let trials = vec![
        trial("an_untouched_starter_is_told_what_to_do_and_where", || {
            told("todo", 1, &["todo is not written yet", "to do     answer 42", "exercise.rs:6"])
        }),
        trial("a_wrong_answer_is_told_with_what_was_expected_and_seen", || {
            told("wrong", 1, &["not solved yet", "expected  answer: 42", "seen      answer: 41"])
        }),
        trial("a_panic_is_told_with_its_words_and_its_line", || {
            told("panics", 1, &["seen      a panic: a number is here", "exercise.rs:14"])
        }),
        trial("an_endless_loop_is_ended", || told("loops", 1, &["an end within 10 s", "a loop"])),
        trial("workers_that_never_end_are_ended_with_it", || {
            told("worker-that-never-ends", 1, &["an end within 10 s", "everybody waits"])?;
            nothing_left("worker-that-never-ends")
        }),
        trial("when_the_judge_is_killed_the_judged_program_follows", interrupted),
        trial("to_exit_is_not_to_solve", || told("leaves", 1, &["exited 0 before its work"])),
        trial("a_death_by_signal_is_told", || told("aborts", 1, &["killed by SIGABRT"])),
        trial("an_error_that_the_learner_returns_is_told", || {
            told("fails", 1, &["an error: cannot start worker 1"])
        }),
        trial("a_todo_in_a_worker_is_found", || {
            told("worker-with-a-todo", 1, &["to do     greet the primary", "exercise.rs:46"])
        }),
        trial("many_panics_at_once_do_not_wait_for_each_other", || {
            let begun = Instant::now();
            told("crowd", 1, &["seen      a panic: no seat is left", "exercise.rs:56"])?;
            let took = begun.elapsed();
            if took < Duration::from_secs(8) { Ok(()) } else { Err(format!("{took:?}").into()) }
        }),
        trial("a_solved_exercise_is_told_where_to_compare", || {
            told("right", 0, &["right is solved", "compare   "])
        }),
        trial("an_exercise_that_does_not_exist_exits_2", || told("rihgt", 2, &[])),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &str, test: fn() -> Result<(), Failed>) -> Trial {
    Trial::test(name, test)
}

fn faulty() -> [Exercise; 12] {
    fn answers(name: &'static str, learners: fn() -> u32) -> Exercise {
        let judge = |_, answer: fn() -> u32| same("answer", 42, answer());
        Exercise::new(name, judge, learners, || 42)
    }
    [
        answers("todo/check.rs", exercise::todo),
        answers("wrong/check.rs", exercise::wrong),
        answers("panics/check.rs", exercise::panics),
        answers("loops/check.rs", exercise::loops),
        answers("interrupted/check.rs", exercise::loops),
        answers("leaves/check.rs", exercise::leaves),
        answers("aborts/check.rs", exercise::aborts),
        answers("right/check.rs", exercise::right),
        Exercise::new("fails/check.rs", fork, exercise::fails, exercise::forks),
        Exercise::new("crowd/check.rs", crowd, exercise::worker_that_panics, |_| {}),
        works("worker-with-a-todo/check.rs", exercise::worker_with_a_todo),
        works("worker-that-never-ends/check.rs", exercise::worker_that_never_ends),
    ]
}

fn works(name: &'static str, work: fn(Worker)) -> Exercise {
    let judge = |role, work: fn(Worker)| judge(role, exercise::forks, work);
    Exercise::new(name, judge, work, |_| {})
}

fn crowd(role: Role, work: fn(Worker)) -> Verdict {
    const WORKERS: usize = 40;
    match role {
        Role::Worker(me) => {
            work(me);
            Ok(())
        }
        Role::Primary(mut primary) => {
            for _ in 0..WORKERS {
                primary.fork()?;
            }
            let mut well = 0;
            while let Some(event) = primary.next_event()? {
                well += usize::from(matches!(event, Event::Exit { exit, .. } if exit.success()));
            }
            same("workers that end well", WORKERS, well)
        }
    }
}

fn fork(role: Role, forks: Forks) -> Verdict {
    judge(role, forks, |_| {})
}

type Forks = fn(&mut Primary) -> Result<(), Error>;

fn judge(role: Role, forks: Forks, work: fn(Worker)) -> Verdict {
    match role {
        Role::Worker(me) => {
            work(me);
            Ok(())
        }
        Role::Primary(mut primary) => {
            forks(&mut primary)?;
            let exit = primary.until("a worker that ends", |event| match event {
                Event::Exit { exit, .. } => Some(exit.success()),
                _ => None,
            })?;
            same("ends well", true, exit)
        }
    }
}

/// What is said about this exercise has all of these in it, and fits the screen.
fn told(name: &str, code: i32, parts: &[&str]) -> Result<(), Failed> {
    let start = Instant::now();
    let Output { status, stdout, stderr } =
        Command::new(std::env::current_exe()?).args(["check", name]).output()?;
    let text = String::from_utf8(stdout)?;
    let wide = text.lines().any(|line| line.chars().count() > 80);
    let late = start.elapsed() > Duration::from_secs(60);
    if wide || late || status.code() != Some(code) || !parts.iter().all(|it| text.contains(it)) {
        let errors = String::from_utf8_lossy(&stderr);
        return Err(format!("{status}, not {code} with {parts:?}:\n{text}{errors}").into());
    }
    Ok(())
}

fn interrupted() -> Result<(), Failed> {
    let mut judge = Command::new(std::env::current_exe()?)
        .args(["check", "interrupted"])
        .stdout(Stdio::piped())
        .spawn()?;
    // Its process group is another one: Ctrl-C reaches the judge alone.
    let stdout = judge.stdout.take().ok_or("no stdout")?;
    let begun = BufReader::new(stdout).lines().next().transpose()?;
    judge.kill()?;
    judge.wait()?;
    if begun.as_deref() != Some("round and round") {
        return Err(format!("it says {begun:?}").into());
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        match nothing_left("interrupted") {
            Err(_) if Instant::now() < deadline => {} // it is about to die
            answer => return answer,
        }
        // A poll, bounded by the deadline.
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// No process of this exercise lives any more.
fn nothing_left(name: &str) -> Result<(), Failed> {
    let mark = format!("EXERCISE={name}").into_bytes();
    for process in std::fs::read_dir("/proc")? {
        // A process that has ended meanwhile has no environment.
        let variables = std::fs::read(process?.path().join("environ")).unwrap_or_default();
        if variables.split(|byte| *byte == 0).any(|variable| variable == mark) {
            return Err("a process is left".into());
        }
    }
    Ok(())
}
