//! Puts the tellings of a lesson side by side: Rust, by hand, Node.

mod capture;
mod sheet;
mod story;
#[cfg(test)]
mod story_tests;
mod tellings;

use std::io::Write;
use std::process::ExitCode;

use crate::Ending;
use crate::lessons::Entry;
use tellings::{Told, tell_all};

/// Runs the tellings one after the other, prints them, and says whether they agree.
pub fn run(lesson: &Entry) -> Ending {
    let told = match tell_all(lesson)? {
        Told::Stories(stories) => stories,
        Told::Interrupted(signal) => cluster::die_of(signal),
    };
    let bold = anstyle::Style::new().bold();
    let mut out = anstream::stdout().lock();
    writeln!(out, "{bold}{}: {}{bold:#}\n", lesson.name, lesson.page.question)?;
    for line in sheet::lines(&told) {
        writeln!(out, "{line}")?;
    }
    let verdict = sheet::verdict(&told);
    writeln!(out)?;
    for line in &verdict.lines {
        writeln!(out, "{line}")?;
    }
    Ok(if verdict.good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
