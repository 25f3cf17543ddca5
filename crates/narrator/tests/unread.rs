//! A story whose reader does not read, or not as fast as it is told: memory and end are bounded,
//! and what is left out is counted.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use common::{Running, Terminal, tale};

/// Much more than may wait for the printer.
const MANY: usize = 40_000;

/// Longer than the end of a story may wait for its reader, and much shorter than for ever.
const PROMPT: Duration = Duration::from_secs(5);

/// A tale whose standard output is a pipe that nobody reads yet.
fn start(arguments: &[&str]) -> Running {
    let mut command = tale(arguments);
    Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

/// The most memory that it has used so far.
fn peak_in_mib(child: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.0.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn what_nobody_reads_takes_no_memory_and_is_counted_in_its_place() {
    for way in [&[][..], &["--predict", "--seed", "1"]] {
        let many = MANY.to_string();
        let object = "words ".repeat(100);
        let arguments = ["--sentences", &many, "--object", &object];
        let mut child = start(&[&arguments, way].concat());
        assert_eq!(child.lines_of_stderr().next(), "all told");
        let peak = peak_in_mib(&child);
        assert!(peak < 16, "{peak} MiB: {way:?}");

        let lines = child.lines_of_stdout().rest();
        assert!(child.status().success());
        let told = lines.iter().filter(|line| line.starts_with("worker ")).count();
        let notice =
            |line: &&String| line.ends_with(" sentences were not told: nobody read them in time");
        let notices: Vec<&String> = lines.iter().filter(notice).collect();
        let counted = |line: &&String| line.split(' ').nth(3)?.parse::<usize>().ok();
        let untold: usize = notices.iter().filter_map(counted).sum();
        if !way.contains(&"--predict") {
            assert_eq!(told + untold, MANY, "{notices:?}");
        }
        assert!(told > 100 && untold > 0, "{way:?}: {told} told, {untold} not");
        assert!(notices[0].starts_with("  | "), "in the margin: {notices:?}");
    }
}

#[test]
fn a_hurried_story_ends_although_nobody_reads_it() {
    for (flag, code) in [("--hurry", 0), ("--panic", 101)] {
        let begun = Instant::now();
        let mut child = start(&["--sentences", "5000", flag]);
        let _unread = child.0.stdout.take();
        assert_eq!(child.status().code(), Some(code), "{flag}");
        assert!(begun.elapsed() < PROMPT, "{flag}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_hurried_story_ends_although_its_terminal_is_stopped() {
    let mut terminal = Terminal::new(80);
    terminal.press("\x13"); // Ctrl-S
    let mut command = tale(&["--sentences", "5000", "--hurry"]);
    let begun = Instant::now();
    let mut child = Running::start(command.stdout(terminal.side()).stderr(Stdio::null()));
    assert_eq!(child.status().code(), Some(0));
    assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
}

#[test]
fn last_words_that_nobody_reads_do_not_keep_a_program_from_its_end() {
    let (_unread, writer) = std::io::pipe().unwrap();
    let begun = Instant::now();
    let mut command = tale(&["--sentences", "5000", "--hurry", "--fail", "--mute"]);
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    assert_eq!(Running::start(&mut command).status().code(), Some(1));
    assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
}

#[test]
fn a_slow_reader_that_reads_gets_all_of_a_short_story() {
    const SENTENCES: usize = 5000;
    let mut child = start(&["--sentences", &SENTENCES.to_string()]);
    let mut stdout = child.0.stdout.take().unwrap();
    let (mut text, mut block) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = stdout.read(&mut block) {
        text.extend_from_slice(&block[..length]);
        thread::sleep(Duration::from_millis(5)); // slow is what this reader is
    }
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.lines().count(), SENTENCES);
    assert!(text.ends_with(&format!("hi there {}\n", SENTENCES - 1)));
    assert!(child.status().success());
}

#[test]
fn a_foreign_text_is_cut_and_what_is_left_out_is_counted() {
    let path = std::env::temp_dir().join(format!("narrator-cut-{}", std::process::id()));
    // One argument of a program may have 128 KiB.
    let object = "ä".repeat(50_000);
    let record = ["--record", path.to_str().unwrap(), "--by-hand"];
    let mut arguments = vec!["--sentences", "1", "--object", &object];
    arguments.extend(record);
    let mut child = start(&arguments);
    let told = child.lines_of_stdout().rest().join("");
    assert!(child.status().success());
    let told: String = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.len() < 6000, "{} bytes", told.len());
    assert!(told.ends_with(" bytes more)"), "{told}");
    let recorded = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(recorded.len() < 6000 && recorded.ends_with(" bytes more)\"}\n"), "{recorded}");
}
