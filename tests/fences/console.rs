//! Console blocks: the commands are run, and what they print is compared.
//!
//! A line that begins with `$ ` is a command; the lines after it are its output, up to the next command. Where actors run at the same
//! time (`per-worker`), each actor's lines are compared in order, whatever stands between them. What depends on the
//! machine and the moment is left out of the comparison, as in `compare`: pids, ports, durations. A block that is `varying` is compared by shape alone:
//! every number may differ, and so may how often a line of the same shape comes.

use std::collections::BTreeSet;
use std::process::Command;

use super::Fence;
use crate::story::{by_worker, sentences};
use crate::support::{needs_node, root};

/// Runs a console block; others are none of ours.
pub fn check(fence: &Fence) -> Result<(), String> {
    if fence.kind() != "console" {
        return Ok(());
    }
    for (command, expected) in commands(&fence.text) {
        if needs(&command).is_some_and(|program| !is_there(program)) {
            continue; // the README promises that the tests need nothing but Rust
        }
        let found = run(&command)?;
        let same = match fence.rest().next() {
            Some("per-worker") => told(&expected) == told(&found),
            Some("varying" | "varies") => shapes(&expected) == shapes(&found),
            None => sentences(&expected) == sentences(&found),
            Some(word) => return Err(format!("nobody knows how to compare {word:?}")),
        };
        if !same {
            return Err(format!("$ {command}\n--- the page\n{expected}\n--- the run\n{found}"));
        }
    }
    Ok(())
}

/// Each command with its output.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
            (None, Some((command, _))) if goes_on(command) => {
                command.push('\n');
                command.push_str(line);
            }
            (None, Some((_, output))) => output.push(line),
            (None, None) => panic!("a console block begins with a command, not with {line:?}"),
        }
    }
    commands.into_iter().map(|(command, output)| (command, output.join("\n"))).collect()
}

/// Whether the shell would wait for the end of a quoted text.
fn goes_on(command: &str) -> bool {
    command.matches('"').count() % 2 == 1
}

fn needs(command: &str) -> Option<&'static str> {
    let has = |word: &str| command.split([' ', '(']).any(|it| it == word);
    if crate::support::lessons().iter().any(|lesson| needs_node(lesson) && has(lesson)) {
        return Some("node");
    }
    ["node", "taskset"].into_iter().find(|program| has(program))
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// What the command prints, through a shell, with `cargo run` replaced by the programs that are built already.
fn run(command: &str) -> Result<String, String> {
    let runner = env!("CARGO_BIN_EXE_main-runner");
    let built = command.replace("cargo run -q -p main-runner --", &format!("'{runner}'"));
    if built.contains("cargo ") {
        return Err(format!("only the runner can be started from a page, not: {command}"));
    }
    let output = Command::new("bash")
        .args(["-c", &built])
        .current_dir(root())
        .env_remove("RUST_BACKTRACE")
        .output()
        .map_err(|error| format!("{command}: {error}"))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok(text.trim_end().to_owned())
}

fn told(text: &str) -> std::collections::BTreeMap<String, Vec<String>> {
    by_worker(&sentences(text))
}

/// The kinds of lines, without what stands in the margin. Every number is as good as another, and so is a list or a range of numbers; one is as good as many.
fn shapes(text: &str) -> BTreeSet<String> {
    text.lines().filter(|line| !line.starts_with("  | ")).map(shape).collect()
}

fn shape(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '#');
        match word.trim_end_matches([':', ',']) {
            number if number.chars().all(is_number) => "<n>".to_owned(),
            "CPUs" => "CPU".to_owned(),
            "workers" => "worker".to_owned(),
            "restarts" => "restart".to_owned(),
            other => without_digits(other),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// `127.0.0.1:3000` as `n.n.n.n:n`.
fn without_digits(word: &str) -> String {
    let mut kind = word.replace(|c: char| c.is_ascii_digit(), "n");
    while kind.contains("nn") && word.contains(|c: char| c.is_ascii_digit()) {
        kind = kind.replace("nn", "n");
    }
    kind
}
