//! The command line: which lesson or tool, with which flags.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};
use narrator::Telling;

use crate::lessons::{Entry, Lesson};
use crate::nearest::{self, Place, WrongName};
use crate::page::Page;

/// Node's cluster, taken apart and rebuilt in Rust
#[derive(Debug, Parser)]
#[command(
    name = "main-runner",
    bin_name = "cargo run -p main-runner --",
    version,
    max_term_width = 80,
    infer_subcommands = true,
    subcommand_value_name = "LESSON",
    subcommand_help_heading = "Lessons and tools",
    after_help = "Without a lesson: the table of lessons."
)]
struct CommandLine {
    #[command(subcommand)]
    word: Option<Word>,
}

#[derive(Debug, Subcommand)]
enum Word {
    #[command(flatten)]
    Lesson(Lesson),
    /// Run every lesson in a row; stop at the first that fails
    All(AllFlags),
    /// Read a page in the terminal: a lesson's, or one of the course
    Read {
        /// A lesson, or course, glossary, teacher
        page: String,
    },
    /// Run a lesson's program in Node
    Node {
        /// Which lesson
        lesson: String,
        /// What the program gets
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Put a lesson's tellings side by side: Rust, by hand, Node
    Compare {
        /// Which lesson
        lesson: String,
    },
    /// Run every lesson once, quietly, and look at the room
    Rehearse,
    /// Judge your work on a lesson's exercises
    Check {
        /// Which lesson
        lesson: String,
        /// Which exercise; all of them, in order, if left out
        exercise: Option<String>,
    },
    /// Give a hint for an exercise, one at a time
    Hint {
        /// Which lesson
        lesson: String,
        /// Which exercise (the first one, if left out), and which hint
        #[arg(num_args = 0..=2, value_names = ["EXERCISE", "N"])]
        which: Vec<String>,
    },
}

/// The flags of `all`: parsed only to be checked, then handed on as they were typed.
#[derive(clap::Args, Debug)]
struct AllFlags {
    #[command(flatten)]
    _telling: Telling,
}

/// What the runner is asked to do.
#[derive(Debug)]
pub enum Task {
    /// Show the table of lessons.
    Table,
    /// Run one lesson, here.
    Lesson(Lesson),
    /// Run all lessons, each as a process of its own, with these flags.
    All { flags: Vec<OsString> },
    /// Show a page.
    Read(Page<'static>),
    /// Run a lesson's program in Node.
    Node { lesson: Entry, arguments: Vec<OsString> },
    /// Put a lesson's tellings side by side.
    Compare(Entry),
    /// Run every lesson once, and look at the room.
    Rehearse,
    /// Judge one exercise of a lesson, or all in order.
    Check { lesson: Entry, exercise: Option<&'static str> },
    /// Give a hint for an exercise of a lesson; the first one is 1.
    Hint { lesson: Entry, exercise: Option<&'static str>, number: usize },
}

/// Why there is nothing to do: help was asked for, or the command was wrong.
#[derive(Debug)]
pub enum Refusal {
    /// clap explains it.
    Explained(clap::Error),
    /// A name that does not exist.
    WrongName(WrongName),
}

impl Refusal {
    /// Says it and gives the exit code: 0 for help, 2 for a wrong command.
    pub fn report(&self) -> ExitCode {
        // Where nobody listens any more, there is nobody to tell.
        match self {
            Refusal::Explained(error) => {
                let _ = error.print();
                if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
            }
            Refusal::WrongName(wrong) => {
                use std::io::Write;
                let lines = format!("error: {}\nhelp: {}\n", wrong.what, wrong.advice);
                // At once, or two workers who say it together would mix their words.
                let _ = anstream::stderr().write_all(lines.as_bytes());
                ExitCode::from(2)
            }
        }
    }
}

/// Reads this process's arguments. A worker of ours has its primary's, which name a lesson; a Node primary puts its own
/// script there.
pub fn read(is_worker: bool) -> Result<Task, Refusal> {
    match parse(std::env::args_os().collect()) {
        Ok(task @ Task::Lesson(_)) => Ok(task),
        _ if is_worker => Err(Refusal::WrongName(nearest::no_lesson())),
        parsed => parsed,
    }
}

fn parse(mut typed: Vec<OsString>) -> Result<Task, Refusal> {
    let lesson = if typed.get(1).is_some_and(|word| word == "help") { 2 } else { 1 };
    if lesson == 2 && typed.get(2).is_some_and(|word| word == "--help" || word == "-h") {
        typed.truncate(2); // clap would take the flag for a lesson
    }
    if let Some(word) = typed.get_mut(lesson) {
        *word = without_extension(word);
    }
    let line = CommandLine::try_parse_from(&typed).map_err(|error| explain(error, lesson))?;
    let named = |word: &str, tool| nearest::lesson(word, tool).map_err(Refusal::WrongName);
    Ok(match line.word {
        None => Task::Table,
        Some(Word::Lesson(lesson)) => Task::Lesson(lesson),
        Some(Word::All(_)) => Task::All { flags: typed.split_off(2) },
        Some(Word::Read { page }) => Task::Read(nearest::page(&page).map_err(Refusal::WrongName)?),
        Some(Word::Node { lesson, arguments }) => {
            Task::Node { lesson: named(&lesson, "node")?, arguments }
        }
        Some(Word::Compare { lesson }) => Task::Compare(named(&lesson, "compare")?),
        Some(Word::Rehearse) => Task::Rehearse,
        Some(Word::Check { lesson, exercise }) => {
            let lesson = named(&lesson, "check")?;
            let exercise = exercise_of(&lesson, exercise, "check")?;
            Task::Check { lesson, exercise }
        }
        Some(Word::Hint { lesson, mut which }) => {
            let lesson = named(&lesson, "hint")?;
            let number = which.pop_if(|word| word.parse::<usize>().is_ok());
            let number = number.and_then(|word| word.parse().ok()).unwrap_or(1);
            let exercise = exercise_of(&lesson, which.into_iter().next(), "hint")?;
            Task::Hint { lesson, exercise, number }
        }
    })
}

fn exercise_of(
    lesson: &Entry,
    word: Option<String>,
    tool: &'static str,
) -> Result<Option<&'static str>, Refusal> {
    let find = |word: String| nearest::exercise(&word, lesson, tool);
    word.map(find).transpose().map_err(Refusal::WrongName)
}

fn without_extension(word: &OsStr) -> OsString {
    match word.to_str() {
        Some(text) => nearest::without_extension(text).into(),
        None => word.to_owned(),
    }
}

/// clap compares words by another measure and would answer `icp` with `cpus`: names are ours.
fn explain(error: clap::Error, lesson: usize) -> Refusal {
    match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word))) => {
            let place = if lesson == 2 { Place::After("help") } else { Place::First };
            Refusal::WrongName(nearest::wrong(word, place))
        }
        _ => Refusal::Explained(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn task(words: &str) -> Result<Task, Refusal> {
        parse(std::iter::once("main-runner").chain(words.split(' ')).map(Into::into).collect())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_tool_that_can_be_suggested_exists() {
        let mut command = CommandLine::command();
        command.build();
        for tool in nearest::TOOLS {
            assert!(command.find_subcommand(tool).is_some(), "{tool}");
        }
    }

    #[test]
    fn lessons_are_named_in_full_by_alias_by_beginning_and_by_file() {
        for words in ["online", "clusterEvent", "onl", "online.js", "clusterEvent.mjs"] {
            assert!(matches!(task(words), Ok(Task::Lesson(Lesson::Online(_)))), "{words}");
        }
    }

    #[test]
    fn a_wrong_name_is_ours_to_explain_wherever_it_stands() {
        for words in
            ["icp", "read icp", "node icp", "compare icp", "check icp", "hint icp 2", "help icp"]
        {
            let Err(Refusal::WrongName(wrong)) = task(words) else { panic!("{words}") };
            assert!(wrong.advice.starts_with("did you mean `ipc`?"), "{}", wrong.advice);
        }
    }

    #[test]
    fn a_hint_is_asked_for_by_number_with_or_without_the_exercise() {
        for (words, name, wanted) in [
            ("hint fork", None, 1),
            ("hint fork 2", None, 2),
            ("hint fork counter", Some("counter"), 1),
            ("hint fork cou 3", Some("counter"), 3),
        ] {
            let Ok(Task::Hint { exercise, number, .. }) = task(words) else { panic!("{words}") };
            assert_eq!((exercise, number), (name, wanted), "{words}");
        }
    }

    #[test]
    fn all_hands_its_flags_on_as_they_were_typed() {
        let Ok(Task::All { flags }) = task("all --pids") else { panic!("not all") };
        assert_eq!(flags, ["--pids"]);
    }

    #[test]
    fn node_gets_everything_after_the_lesson() {
        let Ok(Task::Node { arguments, .. }) = task("node ipc --workers 3 --help") else {
            panic!("not node")
        };
        assert_eq!(arguments, ["--workers", "3", "--help"]);
    }
}
