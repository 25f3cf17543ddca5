//! Runs every lesson once, quietly, and looks at the room: the check before a class.

mod room;

use std::io::{self, Write};
use std::process::{Command, ExitCode};

use crate::Ending;
use crate::capture::{Captured, Ear, End, LIMIT, capture};
use crate::lessons::{self, Entry};
use crate::text::{self, WIDTH, and};

/// Reports on each lesson and on the room, and ends with one sentence.
pub fn run() -> Ending {
    let table = lessons::table();
    let facts = room::look();
    let names = table.iter().map(|lesson| lesson.name.len());
    let longest = names.chain(facts.iter().map(|fact| fact.about.len())).max().unwrap_or(0);

    let mut failed = Vec::new();
    for lesson in &table {
        if !goes_well(lesson, longest)? {
            failed.push(lesson.name.as_str());
        }
    }
    let mut out = anstream::stdout();
    writeln!(out)?;
    for fact in &facts {
        writeln!(out, "{:<longest$}  {}", fact.about, fact.found)?;
    }
    writeln!(out)?;
    let lacks: Vec<&str> = facts.iter().filter_map(|fact| fact.lack).collect();
    for line in text::plain(&verdict(table.len(), &failed, &lacks)).wrapped(WIDTH) {
        writeln!(out, "{}", line.styled())?;
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a lesson, and reports on it in a line, or two where it fails.
fn goes_well(lesson: &Entry, width: usize) -> io::Result<bool> {
    let mut out = anstream::stdout();
    write!(out, "{:<width$}  ", lesson.name)?;
    out.flush()?; // who waits sees for what
    let captured = perform(lesson)?;
    let took = captured.took.as_secs_f64();
    let Some(trouble) = trouble(&captured) else {
        writeln!(out, "ok      {took:>4.1} s")?;
        return Ok(true);
    };
    writeln!(out, "failed  {took:>4.1} s")?;
    for line in text::plain(&trouble).wrapped(WIDTH - width - 2) {
        writeln!(out, "{:width$}  {}", "", line.styled())?;
    }
    Ok(false)
}

fn perform(lesson: &Entry) -> io::Result<Captured> {
    let mut runner = Command::new(std::env::current_exe()?);
    runner.arg(&lesson.name);
    let captured = capture(runner, Ear::Everything, LIMIT)?;
    if let End::Interrupted(signal) = captured.end {
        let _ = writeln!(io::stdout()); // the lesson's line is begun
        cluster::die_of(signal);
    }
    Ok(captured)
}

/// What went wrong, if anything did: the lesson's own words, where it has some.
fn trouble(captured: &Captured) -> Option<String> {
    let status = match captured.end {
        End::Exited(status) if status.success() => return None,
        End::Exited(status) => status.to_string(),
        _ => return Some(format!("was not done after {} s", LIMIT.as_secs())),
    };
    let mut lines = captured.output.lines();
    Some(lines.find_map(|line| line.strip_prefix("error: ")).map_or(status, str::to_owned))
}

fn verdict(count: usize, failed: &[&str], lacks: &[&str]) -> String {
    let lessons = match failed {
        [] => format!("All {count} lessons run here"),
        [one] => format!("{} of {count} lessons run here, {one} does not", count - 1),
        more => format!("{} of {count} lessons run here, not {}", count - more.len(), and(more)),
    };
    match (failed, lacks) {
        ([], []) => format!("{lessons}, and the room lacks nothing."),
        (_, []) => format!("{lessons}."),
        ([], lacks) => format!("{lessons}, but the room lacks {}.", and(lacks)),
        (_, lacks) => format!("{lessons}, and the room lacks {}.", and(lacks)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_last_sentence_says_whether_the_class_can_begin() {
        assert_eq!(verdict(12, &[], &[]), "All 12 lessons run here, and the room lacks nothing.");
        assert_eq!(
            verdict(12, &[], &["Node", "a free port 3000"]),
            "All 12 lessons run here, but the room lacks Node and a free port 3000."
        );
        assert_eq!(verdict(12, &["ipc"], &[]), "11 of 12 lessons run here, ipc does not.");
        assert_eq!(
            verdict(12, &["cpus", "fork", "ipc"], &["Node"]),
            "9 of 12 lessons run here, not cpus, fork and ipc, and the room lacks Node."
        );
    }

    #[test]
    fn a_lesson_that_fails_says_why_in_its_own_words() {
        let shell = |script: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]);
            trouble(&capture(shell, Ear::Everything, Duration::from_secs(2)).expect("sh starts"))
        };
        assert_eq!(shell("echo well"), None);
        let said = shell("echo story; echo 'error: no room' >&2; echo 'help: move' >&2; exit 1");
        assert_eq!(said.as_deref(), Some("no room"));
        assert_eq!(shell("exit 3").as_deref(), Some("exit status: 3"));
    }
}
