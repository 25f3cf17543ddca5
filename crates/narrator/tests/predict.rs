//! A story that asks before it tells.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::Write;
use std::process::Stdio;

use common::{Running, Terminal, tale};

const BOTH_WAYS: [&[&str]; 2] = [&[], &["--by-hand"]];
const PREDICT: [&str; 6] = ["--deeds", "--sentences", "12", "--predict", "--seed", "1"];
const QUESTIONS: usize = 6;

/// What the tale prints when nobody is there to answer.
fn sheet(way: &[&str]) -> String {
    let output = tale(&[way, &PREDICT].concat()).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// What it prints when these lines stand on its standard input.
fn asked(way: &[&str], answers: &str) -> String {
    let (input, mut keyboard) = std::io::pipe().unwrap();
    keyboard.write_all(answers.as_bytes()).unwrap();
    drop(keyboard);
    let output = tale(&[way, &PREDICT].concat()).stdin(input).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// The letters at the end of a sheet.
fn key(sheet: &str) -> Vec<char> {
    let answers = sheet.lines().last().unwrap().strip_prefix("answers: ").unwrap();
    let answers = answers.split(" (").next().unwrap();
    let letter = |(number, answer): (usize, &str)| {
        let letter = answer.strip_prefix(&number.to_string()).unwrap();
        letter.parse().unwrap()
    };
    (1..).zip(answers.split(' ')).map(letter).collect()
}

#[test]
fn a_sheet_with_its_answers_put_in_is_the_story() {
    for way in BOTH_WAYS {
        let sheet = sheet(way);
        let mut key = key(&sheet).into_iter();
        let mut story = String::new();
        let mut lines = sheet.lines().take_while(|line| !line.is_empty());
        while let Some(line) = lines.next() {
            if !line.ends_with(". what comes next?") {
                story += &format!("{line}\n");
                continue;
            }
            let right = key.next().unwrap();
            for letter in ['a', 'b', 'c'] {
                let answer = lines.next().unwrap().strip_prefix(&format!("  {letter}  ")).unwrap();
                if letter == right {
                    story += &format!("{answer}\n");
                }
            }
        }
        assert_eq!(key.next(), None, "{sheet}");
        let plain = tale(&["--deeds", "--sentences", "12"]).output().unwrap();
        assert_eq!(story, String::from_utf8(plain.stdout).unwrap(), "{sheet}");
    }
}

#[test]
fn answers_on_standard_input_are_counted() {
    for way in BOTH_WAYS {
        let key = key(&sheet(way));
        let lines = |answer: fn(char) -> char| {
            key.iter().map(|letter| format!("{}\n", answer(*letter))).collect::<String>()
        };
        for (answers, right) in [
            (lines(|right| right), QUESTIONS),
            (lines(|right| right.to_ascii_uppercase()), QUESTIONS),
            (lines(|right| if right == 'a' { 'b' } else { 'a' }), 0),
        ] {
            let told = asked(way, &answers);
            assert!(told.contains(&format!("you foresaw {right} of {QUESTIONS} (")), "{told}");
            assert_eq!(told.matches("right\n").count(), right, "{told}");
            assert_eq!(told.matches("no, it is ").count(), QUESTIONS - right, "{told}");
        }
    }
}

#[test]
fn what_is_no_answer_is_asked_again_and_the_end_of_input_tells_the_rest() {
    let key = key(&sheet(&[]));
    let told = asked(&[], &format!("d\n\nperhaps\n{}\n", key[0]));
    assert_eq!(told.matches("a, b or c: ").count(), 4 + 1, "{told}");
    assert!(told.contains("you foresaw 1 of 1 ("), "{told}");
    let sentences = told.lines().filter(|line| line.starts_with("worker "));
    assert_eq!(sentences.count(), 12, "{told}");
}

#[test]
fn the_teller_never_waits_for_an_answer() {
    for way in BOTH_WAYS {
        let name = format!("narrator-predict-{}-{}", std::process::id(), way.len());
        let path = std::env::temp_dir().join(name);
        let (input, mut keyboard) = std::io::pipe().unwrap();
        keyboard.write_all(b"a\n").unwrap();
        let record = ["--record", path.to_str().unwrap()];
        let mut child = Running::start(
            tale(&[way, &PREDICT, &record].concat())
                .stdin(input)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped()),
        );
        assert_eq!(child.lines_of_stderr().next(), "all told");
        let recorded = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(recorded.lines().count(), 12);
        drop(keyboard); // until now it waited for the second answer
        assert!(child.lines_of_stdout().rest().last().unwrap().contains(" of 1 ("));
        assert!(child.status().success());
    }
}

#[test]
fn a_hurried_story_and_a_broken_one_do_not_ask() {
    for way in BOTH_WAYS {
        for (flag, code) in [("--hurry", 0), ("--panic", 101)] {
            let (input, mut keyboard) = std::io::pipe().unwrap();
            keyboard.write_all(b"a\n").unwrap();
            let mut child = Running::start(
                tale(&[way, &PREDICT, &[flag]].concat())
                    .stdin(input)
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null()),
            );
            let lines = child.lines_of_stdout().rest();
            assert_eq!(lines.len(), 12, "{lines:?}");
            assert!(lines.iter().all(|line| line.starts_with("worker ")), "{lines:?}");
            assert_eq!(child.status().code(), Some(code));
            drop(keyboard);
        }
    }
}

#[test]
fn on_a_terminal_the_person_is_asked() {
    for way in BOTH_WAYS {
        let letter = key(&sheet(way))[0];
        let mut terminal = Terminal::new(80);
        let mut command = tale(&[way, &PREDICT].concat());
        command.env("NO_COLOR", "1").stderr(Stdio::null());
        let mut child = Running::start(command.stdin(terminal.side()).stdout(terminal.side()));
        terminal.screen_until("a, b or c: ");
        terminal.press(&format!("{letter}\n\x04")); // Ctrl-D: no more answers
        let end = "you foresaw 1 of 1 (--seed 1 asks the same again)\r\n";
        let screen = terminal.screen_until(end);
        let answered = format!("a, b or c: {letter}\r\nright\r\n");
        assert!(screen.contains(&answered), "{screen:?}");
        assert!(child.status().success());
    }
}

#[test]
fn a_story_without_questions_is_told_as_it_is() {
    let output = tale(&["--predict", "--table"]).output().unwrap();
    let plain = tale(&["--table"]).output().unwrap();
    assert_eq!(output.stdout, plain.stdout);
}

#[test]
fn flags_that_make_no_sense_together_are_refused() {
    for flags in ["--predict --slow", "--predict --step", "--predict --picture tree", "--seed 4"] {
        let flags: Vec<&str> = flags.split(' ').collect();
        let output = tale(&flags).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
    }
}
