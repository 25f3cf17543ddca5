//! Console blocks: the commands are run, and what they print is compared.
//!
//! A line that begins with `$ ` is a command; the lines after it are its output, up to the next
//! command. The fence says how they are compared: `per-worker`, `varies`, or nothing (see
//! `varying.rs`), whether the first command is a server (`background`), and what the last one exits
//! with (`status=1`).

use super::varying::Mode;
use super::{Fence, background, shell};

/// The first command is a server, the others are for a second terminal.
const BACKGROUND: &str = "background";

/// What the last command exits with, if not with 0.
const STATUS: &str = "status=";

/// A command, and what the page says that it prints.
pub struct Step {
    pub command: String,
    pub output: String,
    /// Where the output begins, counted from the block's first line.
    pub line: usize,
}

pub fn is_console(fence: &Fence) -> bool {
    fence.kind() == "console"
}

pub fn mode(fence: &Fence) -> Result<Mode, String> {
    let is_how = |word: &&str| *word != BACKGROUND && !word.starts_with(STATUS);
    match fence.rest().find(is_how) {
        None => Ok(Mode::InOrder),
        Some("per-worker") => Ok(Mode::PerWorker),
        Some("varies") => Ok(Mode::Varies),
        Some(word) => Err(format!("nobody knows how to compare {word:?}")),
    }
}

/// Each command with its output.
pub fn steps(text: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<(String, Vec<&str>, usize)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (None, Some((command, output, first))) if output.is_empty() && goes_on(command) => {
                command.push('\n');
                command.push_str(line);
                *first = at + 1;
            }
            (Some(command), _) => steps.push((command.to_owned(), Vec::new(), at + 1)),
            (None, Some((_, output, _))) => output.push(line),
            (None, None) => return Err(format!("begins with {line:?}, not with a command")),
        }
    }
    let step = |(command, output, line): (_, Vec<&str>, _)| Step {
        command,
        output: output.join("\n"),
        line,
    };
    Ok(steps.into_iter().map(step).collect())
}

/// Whether the shell would wait for the end of a quoted text.
fn goes_on(command: &str) -> bool {
    command.matches('"').count() % 2 == 1
}

/// What the commands print now, one text for each.
pub fn run(fence: &Fence) -> Result<Vec<String>, String> {
    let steps = steps(&fence.text)?;
    if fence.rest().any(|word| word == BACKGROUND) {
        return background::run(&steps);
    }
    let last = steps.len().saturating_sub(1);
    let run = |(at, step): (usize, &Step)| {
        let status = if at == last { status(fence)? } else { 0 };
        shell::output(&step.command, status)
    };
    steps.iter().enumerate().map(run).collect()
}

fn status(fence: &Fence) -> Result<i32, String> {
    match fence.rest().find_map(|word| word.strip_prefix(STATUS)) {
        Some(status) => status.parse().map_err(|_| format!("{status:?} is no exit status")),
        None => Ok(0),
    }
}

/// The block with other outputs.
pub fn with_outputs(steps: &[Step], outputs: &[String]) -> String {
    let blocks = steps.iter().zip(outputs).map(|(step, output)| {
        let gap = if output.is_empty() { "" } else { "\n" };
        format!("$ {}{gap}{output}", step.command)
    });
    blocks.collect::<Vec<_>>().join("\n")
}
