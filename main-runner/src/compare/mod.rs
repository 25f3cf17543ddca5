//! Puts the tellings of a lesson side by side: Rust, by hand, Node.

mod sheet;
mod story;
#[cfg(test)]
mod story_tests;
mod tellings;

use std::io::Write;
use std::process::ExitCode;

use crate::Ending;
use crate::lessons::Entry;
use crate::text::{self, WIDTH};
use tellings::{Told, tell_all};

/// Runs the tellings one after the other, prints them, and says whether they agree.
pub fn run(lesson: &Entry) -> Ending {
    let bold = anstyle::Style::new().bold();
    let mut out = anstream::stdout().lock();
    writeln!(out, "{bold}{}: {}{bold:#}\n", lesson.name, lesson.page.question)?;
    out.flush()?; // the tellings take their time
    let told = match tell_all(lesson)? {
        Told::Stories(stories) => stories,
        Told::Interrupted(signal) => cluster::die_of(signal),
    };
    for line in sheet::lines(&told, width()) {
        writeln!(out, "{line}")?;
    }
    let verdict = sheet::verdict(&told);
    writeln!(out)?;
    for line in &verdict.lines {
        writeln!(out, "{line}")?;
    }
    Ok(if verdict.good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A wide terminal is used as far as an eye can follow a row.
fn width() -> usize {
    text::columns().unwrap_or(WIDTH).clamp(WIDTH, 2 * WIDTH)
}
