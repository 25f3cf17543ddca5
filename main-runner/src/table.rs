//! The table of lessons: what the runner shows when no lesson is named.

use std::io::Write;
use std::process::ExitCode;

use crate::nearest::RUNNER;
use crate::{Ending, lessons};

/// Prints the table and the next command to type.
pub fn print() -> Ending {
    let lessons = lessons::table();
    let longest = |of: fn(&lessons::Entry) -> usize| lessons.iter().map(of).max().unwrap_or(0);
    let names = longest(|lesson| lesson.name.len());
    let questions = longest(|lesson| lesson.page.question.len());

    let bold = anstyle::Style::new().bold();
    let mut out = anstream::stdout().lock();
    for lesson in &lessons {
        let (name, page) = (&lesson.name, &lesson.page);
        let (question, minutes) = (page.question, page.minutes);
        writeln!(
            out,
            "{bold}{name:<names$}{bold:#}  {question:<questions$}  {minutes:>3} minutes"
        )?;
    }
    let first = lessons.first().map_or("", |lesson| &lesson.name);
    writeln!(out)?;
    writeln!(out, "Run one:       {RUNNER} -- {first}")?;
    writeln!(out, "Read about it: {RUNNER} -- read {first}")?;
    writeln!(out, "Try yourself:  {RUNNER} -- check {first}")?;
    writeln!(out, "Get a hint:    {RUNNER} -- hint {first}")?;
    Ok(ExitCode::SUCCESS)
}
