//! Runs every lesson in a row, each as a process of its own, because a process has one role.

use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, ExitCode};

use crate::{Ending, lessons, waiting};

/// Runs the lessons until one fails; its exit code is ours.
pub fn run(flags: &[OsString]) -> Ending {
    let bold = anstyle::Style::new().bold();
    let runner = std::env::current_exe()?;
    for (at, lesson) in lessons::table().iter().enumerate() {
        let (name, question) = (&lesson.name, lesson.page.question);
        let gap = if at == 0 { "" } else { "\n" };
        let mut out = anstream::stdout();
        writeln!(out, "{gap}{bold}{name}: {question}{bold:#}")?;
        out.flush()?; // the lesson writes to the same terminal next

        let status = waiting::for_child(Command::new(&runner).arg(name).args(flags).spawn()?)?;
        if !status.success() {
            return Ok(waiting::ends_like(status));
        }
    }
    Ok(ExitCode::SUCCESS)
}
