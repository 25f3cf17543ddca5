//! Gives a hint for an exercise, and says how to ask for the next one.

use std::fs;
use std::io::Write;
use std::process::ExitCode;

use narrator::Failure;

use crate::Ending;
use crate::lessons::Entry;
use crate::nearest::RUNNER;

/// Prints one hint; the first one is 1.
pub fn print(lesson: &Entry, exercise: Option<&str>, number: usize) -> Ending {
    let name = &lesson.name;
    let exercise = exercise.or(lesson.page.exercises().first().copied()).unwrap_or_default();
    let file = lesson.folder().join("exercises").join(exercise).join("hints.md");
    let text = fs::read_to_string(&file).map_err(|error| {
        Failure::new(
            format!("cannot read {}: {error}", file.display()),
            format!("start the runner inside the lessons' folder: {RUNNER} -- hint {name}"),
        )
    })?;
    let hints = hints(&text);
    let count = hints.len();
    let Some(hint) = number.checked_sub(1).and_then(|at| hints.get(at)) else {
        let mut err = anstream::stderr();
        writeln!(err, "error: `{exercise}` has {count} hints, and no hint {number}")?;
        writeln!(err, "help: to read the first, type: {RUNNER} -- hint {name} {exercise}")?;
        return Ok(ExitCode::from(2));
    };
    let next = match number {
        last if last == count => format!("try it:    {RUNNER} -- check {name} {exercise}"),
        _ => format!("next hint: {RUNNER} -- hint {name} {exercise} {}", number + 1),
    };
    let bold = anstyle::Style::new().bold();
    let heading = format!("{name}, {exercise}: hint {number} of {count}");
    let mut out = anstream::stdout();
    writeln!(out, "{bold}{heading}{bold:#}\n\n{hint}\n\n{next}")?;
    Ok(ExitCode::SUCCESS)
}

/// The items of a numbered list, each without its number and its indent.
fn hints(text: &str) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    for line in text.lines() {
        let number = line.split_once(". ").filter(|(number, _)| number.parse::<usize>().is_ok());
        match (number, hints.last_mut()) {
            (Some((_, first)), _) => hints.push(first.to_owned()),
            (None, Some(hint)) => {
                *hint += &format!("\n{}", line.strip_prefix("   ").unwrap_or(line))
            }
            (None, None) => {} // what stands before the list
        }
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::hints;

    #[test]
    fn each_item_of_the_list_is_a_hint() {
        let text = "1. one\n   more\n2. two:\n\n       code\n";
        assert_eq!(hints(text), ["one\nmore", "two:\n\n    code"]);
    }
}
