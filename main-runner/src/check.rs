//! Judges a learner's work: compiles the exercises of a lesson, and asks them.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use narrator::Failure;
use serde_json::Value;

use crate::lessons::{self, Entry};
use crate::nearest::RUNNER;
use crate::{Ending, waiting};

/// Judges one exercise, or all in order up to the first that is not solved, and says what to type next.
pub fn run(lesson: &Entry, exercise: Option<&'static str>) -> Ending {
    let name = &lesson.name;
    let judge = compile(lesson)?;
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

/// Compiles the exercises of a lesson; the compiler says itself what it does not understand.
fn compile(lesson: &Entry) -> Result<PathBuf, Failure> {
    let name = &lesson.name;
    if io::stderr().is_terminal() {
        let _ = writeln!(io::stderr(), "(compiling; the first time takes a while)");
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--quiet", "--package", name, "--test", "exercises", "--no-run"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(lessons::workspace())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| {
            Failure::new(
                format!("cargo does not start in {}: {error}", lessons::workspace().display()),
                "start the runner inside the lessons' folder, with cargo on the PATH",
            )
        })?;
    if !output.status.success() {
        return Err(Failure::new(
            format!("the exercises of `{name}` do not compile yet"),
            format!("the first error above names file and line; or type: {RUNNER} -- hint {name}"),
        ));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    messages.lines().find_map(program).ok_or_else(|| {
        Failure::new(
            format!("cargo does not say where the exercises of `{name}` are"),
            format!("try: cargo test -p {name} --test exercises"),
        )
    })
}

/// Where the program of the exercises is, if this is what cargo says here.
fn program(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let ours = message["target"]["name"] == "exercises" && message["target"]["kind"][0] == "test";
    message["executable"].as_str().filter(|_| ours).map(PathBuf::from)
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
