//! Shows a lesson's page in the terminal, 80 columns wide and plain in a pipe.

mod folds;
mod render;

use std::io::Write;
use std::process::ExitCode;

use crate::Ending;
use crate::page::Page;
use crate::text::WIDTH;

/// Prints a page: of a lesson, or of the course.
pub fn print(page: &Page) -> Ending {
    let text = match page.title {
        "" => page.body.to_owned(), // a page of the course; it bears its title itself
        title => {
            let body = without_title(page.body, title);
            format!("# {title}\n\n{} ({} minutes)\n\n{body}", page.question, page.minutes)
        }
    };
    let mut out = anstream::stdout().lock();
    for line in render::lines(&text, WIDTH) {
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
