//! Judges a learner's work: compiles the exercises of a lesson, and asks them.

mod compile;

use std::io::{self, Write};
use std::process::{Command, ExitCode};

use crate::lessons::{self, Entry};
use crate::nearest::RUNNER;
use crate::{Ending, waiting};

/// Judges one exercise, or all in order up to the first that is not solved, and says what to type next.
pub fn run(lesson: &Entry, exercise: Option<&'static str>) -> Ending {
    let name = &lesson.name;
    let judge = compile::exercises(lesson, exercise)?;
    let all = lesson.page.exercises();
    let chosen = exercise.map_or_else(|| all.clone(), |exercise| vec![exercise]);
    for exercise in &chosen {
        let judged = Command::new(&judge).args(["check", exercise]).spawn()?;
        let status = waiting::for_child(judged)?;
        if !status.success() {
            let code = waiting::ends_like(status);
            writeln!(io::stdout(), "\nstuck? type: {RUNNER} -- hint {name} {exercise}")?;
            return Ok(code);
        }
    }
    let next = next_after(name, chosen.last().copied().unwrap_or_default(), &all);
    writeln!(io::stdout(), "\nnext, type: {RUNNER}{next}")?;
    Ok(ExitCode::SUCCESS)
}

/// What to type after the runner: the exercise after this one, the lesson after the last one, or nothing.
fn next_after(lesson: &str, solved: &str, all: &[&str]) -> String {
    let mut later = all.iter().skip_while(|exercise| **exercise != solved).skip(1);
    if let Some(exercise) = later.next() {
        return format!(" -- check {lesson} {exercise}");
    }
    let table = lessons::table();
    let mut later = table.iter().skip_while(|entry| entry.name != lesson).skip(1);
    later.next().map_or(String::new(), |entry| format!(" -- {}", entry.name))
}

#[cfg(test)]
mod tests {
    use super::next_after;

    #[test]
    fn after_an_exercise_comes_the_next_one_then_the_next_lesson_then_the_table() {
        let all = ["one", "two"];
        assert_eq!(next_after("fork", "one", &all), " -- check fork two");
        assert_eq!(next_after("fork", "two", &all), " -- online");
        assert_eq!(next_after("polyglot", "two", &all), "");
    }
}
