//! Finds the lesson that somebody meant: exactly, by the start of its name, or by the nearest spelling.

use crate::lessons::{self, COURSE, Entry};
use crate::page::Page;

/// How the runner is started; every suggestion begins with it.
pub const RUNNER: &str = "cargo run -p main-runner";

/// A word that names nothing the runner has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongName {
    /// What is wrong, in one line.
    pub what: String,
    /// What to type instead, in one line.
    pub advice: String,
}

/// Where a word was typed: `ipc` stands alone, `read ipc` follows a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The first word: a lesson or a tool.
    First,
    /// After this tool: a lesson.
    After(&'static str),
}

/// The tools of the runner, which can be misspelt as well as the lessons.
pub const TOOLS: [&str; 8] =
    ["all", "read", "node", "compare", "check", "hint", "rehearse", "help"];

/// Where a page can stand as well as a lesson.
const READ: Place = Place::After("read");

/// The lesson that `word` names: in full, by an alias, or by the start of either.
pub fn lesson(word: &str, tool: &'static str) -> Result<Entry, WrongName> {
    let word = without_extension(word);
    let table = lessons::table();
    let name = only(word, &spellings(&table, Place::After(tool)));
    let found = table.iter().find(|lesson| name == Some(lesson.name.as_str()));
    found.cloned().ok_or_else(|| wrong(word, Place::After(tool)))
}

/// The page that `word` names, by the same rules: a lesson's, or one of the course.
pub fn page(word: &str) -> Result<Page<'static>, WrongName> {
    let table = lessons::table();
    let name = only(word, &spellings(&table, READ));
    match COURSE.iter().find(|(page, _)| name == Some(page)) {
        Some((_, text)) => Ok(Page::parse(text)),
        None => lesson(word, "read").map(|lesson| lesson.page),
    }
}

/// The exercise of the lesson that `word` names: in full, or by its start.
pub fn exercise(word: &str, lesson: &Entry, tool: &'static str) -> Result<&'static str, WrongName> {
    let names = lesson.page.exercises();
    let mut starts = names.iter().copied().filter(|name| name.starts_with(word));
    let only = starts.next().filter(|_| starts.next().is_none());
    if let Some(name) = names.iter().copied().find(|name| *name == word).or(only) {
        return Ok(name);
    }
    let spellings: Vec<_> = names.iter().map(|name| (*name, *name)).collect();
    let what = format!("the lesson `{}` has no exercise `{word}`", lesson.name);
    let advice = match nearest(word, &spellings) {
        Some(name) => {
            format!("did you mean `{name}`? type: {RUNNER} -- {tool} {} {name}", lesson.name)
        }
        None => format!("its exercises are: {}", names.join(", ")),
    };
    Err(WrongName { what, advice })
}

/// What to say about a word that names nothing.
pub fn wrong(word: &str, place: Place) -> WrongName {
    let table = lessons::table();
    let spellings = spellings(&table, place);
    let before = match place {
        Place::First => String::new(),
        Place::After(tool) => format!("{tool} "),
    };
    let what = match place {
        READ => format!("there is no page `{word}`"),
        _ => format!("there is no lesson `{word}`"),
    };
    let begun = beginning_with(word, &spellings);
    let meant = match begun.as_slice() {
        [] => nearest(word, &spellings),
        [(_, name), ..] => Some(*name),
    };
    let advice = match meant {
        _ if begun.len() > 1 => {
            let choices: Vec<&str> = begun.iter().map(|(spelling, _)| *spelling).collect();
            format!("several names begin like that: {}", choices.join(", "))
        }
        Some(name) => format!("did you mean `{name}`? type: {RUNNER} -- {before}{name}"),
        None if place == READ => format!("to see all pages, type: {RUNNER} -- read course"),
        None => format!("to see all lessons, type: {RUNNER}"),
    };
    WrongName { what, advice }
}

/// What to say to a Node primary, which names no lesson.
pub fn no_lesson() -> WrongName {
    WrongName {
        what: "a Node primary cannot tell its worker which lesson to run".into(),
        advice: "build a lesson's own program, and name that: cargo build -p scheduling".into(),
    }
}

/// `ipc.js` is `ipc`: in the Node folder, lessons were files.
pub fn without_extension(word: &str) -> &str {
    word.strip_suffix(".mjs").or_else(|| word.strip_suffix(".js")).unwrap_or(word)
}

/// All that may be typed in this place, each with the name that it stands for.
fn spellings(table: &[Entry], place: Place) -> Vec<(&str, &str)> {
    let of = |lesson| Entry::spellings(lesson).map(|name| (name, lesson.name.as_str()));
    let mut spellings: Vec<(&str, &str)> = table.iter().flat_map(of).collect();
    match place {
        Place::First | Place::After("help") => spellings.extend(TOOLS.map(|tool| (tool, tool))),
        READ => spellings.extend(COURSE.map(|(page, _)| (page, page))),
        Place::After(_) => {}
    }
    spellings
}

/// The one name that `word` stands for, in full or by its start.
fn only<'a>(word: &str, spellings: &[(&'a str, &'a str)]) -> Option<&'a str> {
    let exact = spellings.iter().find(|(spelling, _)| *spelling == word);
    match (exact, beginning_with(word, spellings).as_slice()) {
        (Some((_, name)), _) | (None, [(_, name)]) => Some(name),
        _ => None,
    }
}

/// What begins with `word`: for each lesson and tool the first such spelling, and the name.
fn beginning_with<'a>(word: &str, spellings: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut begun: Vec<(&str, &str)> = Vec::new();
    for (spelling, name) in spellings {
        let known = begun.iter().any(|(_, known)| known == name);
        if !word.is_empty() && spelling.starts_with(word) && !known {
            begun.push((spelling, name));
        }
    }
    begun
}

/// The name whose spelling is nearest, if one is near: a letter in three may be wrong, and two
/// letters that changed places count as one.
fn nearest<'a>(word: &str, spellings: &[(&str, &'a str)]) -> Option<&'a str> {
    let word = word.to_lowercase();
    spellings
        .iter()
        .map(|(spelling, name)| {
            (strsim::damerau_levenshtein(&word, &spelling.to_lowercase()), spelling, name)
        })
        .filter(|(distance, spelling, _)| *distance <= spelling.len() / 3)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggestion(word: &str) -> String {
        wrong(word, Place::First).advice
    }

    #[test]
    fn two_letters_that_changed_places_count_once() {
        assert!(suggestion("icp").starts_with("did you mean `ipc`?"));
        assert!(suggestion("fokr").starts_with("did you mean `fork`?"));
    }

    #[test]
    fn a_misspelt_alias_leads_to_the_lesson() {
        assert!(suggestion("clusterEvents").starts_with("did you mean `online`?"));
        assert!(suggestion("numberofcpucores").starts_with("did you mean `cpus`?"));
    }

    #[test]
    fn a_misspelt_tool_is_recognised_where_a_tool_can_stand() {
        assert!(suggestion("comapre").starts_with("did you mean `compare`?"));
        let advice = wrong("reda", Place::After("node")).advice;
        assert!(!advice.contains("`read`"), "{advice}");
    }

    #[test]
    fn what_is_near_nothing_leads_to_the_table() {
        assert!(suggestion("quaternion").starts_with("to see all lessons"));
        assert!(suggestion("").starts_with("to see all lessons"));
    }

    #[test]
    fn an_ambiguous_beginning_lists_the_choices() {
        let choices = suggestion("c");
        assert!(choices.starts_with("several names begin like that: cpus,"), "{choices}");
        assert!(choices.ends_with(", check"), "{choices}");
        assert!(wrong("ip", Place::After("help")).advice.starts_with("did you mean `ipc`?"));
    }

    #[test]
    fn a_lesson_is_found_by_name_alias_beginning_and_file_name() {
        for word in ["online", "clusterEvent", "onl", "online.js", "online.mjs"] {
            assert_eq!(lesson(word, "read").map(|lesson| lesson.name), Ok("online".to_owned()));
        }
    }

    #[test]
    fn a_page_of_the_course_is_found_like_a_lesson() {
        let read = |word| page(word).map(|page| page.body.lines().next().unwrap_or_default());
        assert_eq!(read("glossary"), Ok("# Glossary"));
        assert_eq!(read("gl"), Ok("# Glossary"));
        assert_eq!(read("te"), Ok("# For the teacher"));
        assert!(page("ipc").is_ok_and(|page| page.title == "Talking"));
        let advice = |word| page(word).map_err(|wrong| wrong.advice).expect_err("a wrong name");
        assert!(advice("t").ends_with(": threads, teacher"), "{}", advice("t"));
        assert!(advice("glosary").ends_with("-- read glossary"), "{}", advice("glosary"));
    }

    #[test]
    fn an_exercise_is_found_by_name_and_beginning_and_else_the_nearest_is_named() {
        let fork = lesson("fork", "check").unwrap();
        for word in ["counter", "cou"] {
            assert_eq!(exercise(word, &fork, "check"), Ok("counter"));
        }
        let wrong = |word| exercise(word, &fork, "hint").unwrap_err().advice;
        assert!(wrong("conuter").ends_with("type: cargo run -p main-runner -- hint fork counter"));
        assert!(wrong("zebra").starts_with("its exercises are: "), "{}", wrong("zebra"));
    }

    #[test]
    fn the_suggestion_repeats_the_tool() {
        let wrong = wrong("icp", Place::After("compare"));
        assert_eq!(wrong.what, "there is no lesson `icp`");
        assert!(wrong.advice.ends_with("-- compare ipc"), "{}", wrong.advice);
    }
}
