//! What went wrong, in two lines for a person.

use std::error::Error;
use std::fmt::{self, Display};

/// What a lesson's `run` returns.
pub type Outcome = Result<(), Box<dyn Error>>;

/// A failure that a person reads: what happened, and what to do about it.
///
/// `{}` shows the first line alone, `{:#}` shows both.
#[derive(Debug)]
pub struct Failure {
    what: String,
    advice: String,
}

impl Failure {
    /// A failure from its two lines, each without a newline.
    pub fn new(what: impl Into<String>, advice: impl Into<String>) -> Failure {
        Failure { what: what.into(), advice: advice.into() }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if f.alternate() { write!(f, "\n{}", self.advice) } else { Ok(()) }
    }
}

impl Error for Failure {}

/// How a failure looks on standard error.
///
/// Two lines become `error: ...` and `help: ...`. A single line stays as it is: whoever wrote it
/// gave no advice and may have worded it otherwise.
pub(crate) fn report(error: &dyn Error) -> String {
    let text = format!("{error:#}");
    let lines: Vec<String> = text.lines().map(crate::text::harmless).collect();
    let mut report = String::new();
    for (index, line) in lines.iter().enumerate() {
        match index {
            0 if lines.len() > 1 => report.push_str("error: "),
            1 => report.push_str("help: "),
            _ => {}
        }
        report.push_str(line);
        report.push('\n');
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_is_one_line_and_the_long_form_two() {
        let failure = Failure::new("port 3000 is taken", "try --port 0");
        assert_eq!(failure.to_string(), "port 3000 is taken");
        assert_eq!(format!("{failure:#}"), "port 3000 is taken\ntry --port 0");
    }

    #[test]
    fn two_lines_are_reported_as_error_and_help() {
        let failure = Failure::new("port 3000 is taken", "try --port 0");
        assert_eq!(report(&failure), "error: port 3000 is taken\nhelp: try --port 0\n");
    }

    #[test]
    fn one_line_is_reported_as_it_is() {
        let error = std::io::Error::other("the worker sent \x1b[2J");
        assert_eq!(report(&error), "the worker sent \\x1b[2J\n");
    }
}
