//! What a learner reads about a judged run.

use std::fmt::Write;
use std::path::Path;

use crate::outcome::{LEARNERS, Outcome};
use crate::run::LIMIT;

const WIDTH: usize = 80;
/// Where the text begins, after the label.
const COLUMN: usize = 12;

/// The outcome in a few lines: a verdict, then labelled facts.
pub(crate) fn tell(name: &str, folder: &Path, outcome: &Outcome) -> String {
    let file = folder.join(LEARNERS).display().to_string();
    let (verdict, facts) = match outcome {
        Outcome::Solved => {
            let ours = folder.join("solution.rs").display().to_string();
            ("is solved", vec![("compare", ours)])
        }
        Outcome::Todo { place, what } => {
            ("is not written yet", vec![("to do", what.clone()), ("where", place.clone())])
        }
        Outcome::Wrong { expected, seen } => (
            "is not solved yet",
            vec![("expected", expected.clone()), ("seen", seen.clone()), ("where", file)],
        ),
        Outcome::Panic { place, message } => (
            "is not solved yet",
            vec![("seen", format!("a panic: {message}")), ("where", place.clone())],
        ),
        Outcome::Failed(how) => ("is not solved yet", vec![("seen", how.clone()), ("where", file)]),
        Outcome::OutOfTime => {
            let seen = "none: a loop that goes on, or everybody waits for somebody".to_owned();
            let expected = format!("an end within {} s", LIMIT.as_secs());
            ("is not solved yet", vec![("expected", expected), ("seen", seen), ("where", file)])
        }
    };
    let mut text = format!("{name} {verdict}\n");
    for (label, fact) in facts {
        for (number, line) in wrap(&fact, WIDTH - COLUMN).into_iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let written = writeln!(text, "  {label:<10}{line}");
            debug_assert!(written.is_ok(), "a String takes everything");
        }
    }
    text
}

/// The lines of a text, broken between words. A longer word, such as a path, stays whole: it may be copied.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            } else if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}
