//! Shows a lesson's page in the terminal, 80 columns wide and plain in a pipe.

mod folds;
mod ladder;
mod render;

use std::io::Write;
use std::process::ExitCode;

use crate::Ending;
use crate::lessons::Entry;

/// No line of a page is wider than this.
const WIDTH: usize = 80;

/// Prints the page of a lesson.
pub fn print(lesson: &Entry) -> Ending {
    let page = &lesson.page;
    let title = format!("# {}\n\n{} ({} minutes)", page.title, page.question, page.minutes);
    let body = without_title(page.body, page.title);
    let mut out = anstream::stdout().lock();
    for line in render::lines(&format!("{title}\n\n{body}"), WIDTH) {
        writeln!(out, "{line}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The front matter has given the title already.
fn without_title<'a>(body: &'a str, title: &str) -> &'a str {
    let body = body.trim_start();
    match body.split_once('\n') {
        Some((first, rest)) if first.strip_prefix("# ").map(str::trim) == Some(title) => rest,
        _ => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_said_once() {
        assert_eq!(without_title("\n# Talking\n\ntext", "Talking"), "\ntext");
        assert_eq!(without_title("# Else\ntext", "Talking"), "# Else\ntext");
    }
}
