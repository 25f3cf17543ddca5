//! Compiles the exercises of a lesson: one program, so that one file with an error keeps all of them from running.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use narrator::Failure;
use serde_json::Value;

use crate::lessons::{self, Entry};
use crate::nearest::RUNNER;

/// The program that judges. The compiler says itself what it does not understand; we say whose file that is.
pub fn exercises(lesson: &Entry, wanted: Option<&str>) -> Result<PathBuf, Failure> {
    let name = &lesson.name;
    if io::stderr().is_terminal() {
        let _ = writeln!(io::stderr(), "(compiling; the first time takes a while)");
    }
    let output = cargo(name, "json-render-diagnostics").stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| {
        Failure::new(
            format!("cargo does not start in {}: {error}", lessons::workspace().display()),
            "start the runner inside the lessons' folder, with cargo on the PATH",
        )
    })?;
    if !output.status.success() {
        return Err(explain(name, wanted, &obstacles(name)));
    }
    messages(&output.stdout).find_map(|message| program(&message)).ok_or_else(|| {
        Failure::new(
            format!("cargo does not say where the exercises of `{name}` are"),
            format!("try: cargo test -p {name} --test exercises"),
        )
    })
}

fn cargo(lesson: &str, format: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["test", "--quiet", "--package", lesson, "--test", "exercises", "--no-run"])
        .arg(format!("--message-format={format}"))
        .current_dir(lessons::workspace());
    cargo
}

fn messages(lines: &[u8]) -> impl Iterator<Item = Value> {
    lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

/// Where the program of the exercises is, if this is what cargo says here.
fn program(message: &Value) -> Option<PathBuf> {
    let ours = message["target"]["name"] == "exercises" && message["target"]["kind"][0] == "test";
    message["executable"].as_str().filter(|_| ours).map(PathBuf::from)
}

/// An exercise that does not compile, and where.
#[derive(Debug, PartialEq, Eq)]
struct Obstacle {
    exercise: String,
    place: String,
}

/// Asks again, for a program this time: cargo shows errors to a person or to a program, never to both.
fn obstacles(lesson: &str) -> Vec<Obstacle> {
    let output = cargo(lesson, "json").output();
    output.map(|output| messages(&output.stdout).filter_map(obstacle).collect()).unwrap_or_default()
}

/// The exercise in whose folder this error is. In `check.rs` it shows when the learner's function has another type.
fn obstacle(message: Value) -> Option<Obstacle> {
    let error = message.get("message").filter(|message| message["level"] == "error")?;
    let span = error["spans"].as_array()?.iter().find(|span| span["is_primary"] == true)?;
    let file = Path::new(span["file_name"].as_str()?);
    let folder = file.parent()?;
    folder.parent().filter(|parent| parent.ends_with("exercises"))?;
    let place = match folder.join("exercise.rs") {
        learners if learners == file => format!("{}:{}", file.display(), span["line_start"]),
        learners => learners.display().to_string(),
    };
    Some(Obstacle { exercise: folder.file_name()?.to_str()?.to_owned(), place })
}

/// Names the exercise that was asked for, if it has an error; else the first that has one.
fn explain(lesson: &str, wanted: Option<&str>, obstacles: &[Obstacle]) -> Failure {
    let its_own = obstacles.iter().find(|obstacle| Some(obstacle.exercise.as_str()) == wanted);
    let Some(Obstacle { exercise, place }) = its_own.or(obstacles.first()) else {
        return Failure::new(
            format!("the exercises of `{lesson}` do not compile yet"),
            "the first error above names file and line",
        );
    };
    let what = format!("`{exercise}` does not compile yet and blocks the rest of `{lesson}`");
    match wanted {
        Some(wanted) if wanted != exercise => Failure::new(what, format!("mend first: {place}")),
        _ => Failure::new(what, format!("stuck? type: {RUNNER} -- hint {lesson} {exercise}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Obstacle, obstacle};

    fn error_in(file: &str) -> Option<(String, String)> {
        let spans = json!([{ "file_name": file, "line_start": 15, "is_primary": true }]);
        obstacle(json!({ "message": { "level": "error", "spans": spans } }))
            .map(|Obstacle { exercise, place }| (exercise, place))
    }

    #[test]
    fn an_error_belongs_to_the_exercise_in_whose_folder_it_is() {
        let learners = "examples/fork/exercises/counter/exercise.rs";
        let found = |place: &str| Some(("counter".to_owned(), place.to_owned()));
        assert_eq!(error_in(learners), found(&format!("{learners}:15")));
        assert_eq!(error_in("examples/fork/exercises/counter/check.rs"), found(learners));
        assert_eq!(error_in("examples/fork/exercises/main.rs"), None);
        assert_eq!(error_in("examples/fork/src/lib.rs"), None);
    }
}
