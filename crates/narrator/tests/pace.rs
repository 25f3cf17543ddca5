//! The pace of a story: slowly, step by step, and what does not wait for it.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{DEADLINE, FOR_EVER, Running, tale};

const BOTH_WAYS: [&[&str]; 2] = [&[], &["--by-hand"]];

#[test]
fn a_slow_story_is_recorded_at_full_speed() {
    let path = std::env::temp_dir().join(format!("narrator-slow-{}", std::process::id()));
    fs::write(&path, "from an earlier run").unwrap();
    let record = path.to_str().unwrap();
    let mut child = Running::start(
        tale(&["--slow", FOR_EVER, "--sentences", "5", "--record", record])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    );
    let stdout = child.lines_of_stdout();
    assert_eq!(child.lines_of_stderr().next(), "all told");
    assert_eq!(stdout.next(), "worker 1  says: hi there 0");
    // One sentence is printed, and the next comes in an hour; but all are recorded.
    let recorded = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let lines: Vec<serde_json::Value> =
        recorded.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["number"], index + 1);
        assert_eq!(line["actor"], format!("worker {}", index % 3 + 1));
        assert_eq!(line["pid"], 1000);
        assert_eq!(line["verb"], "says:");
        assert_eq!(line["object"], format!("hi there {index}"));
        assert!(line["time_ms"].as_f64().unwrap() < DEADLINE.as_secs_f64() * 1e3);
    }
    assert!(lines.is_sorted_by_key(|line| line["time_ms"].as_f64().unwrap()));
    assert!(stdout.is_empty());
}

#[test]
fn a_slow_story_takes_its_time() {
    for way in BOTH_WAYS {
        let begun = Instant::now();
        let arguments = [way, &["--slow", "50ms", "--sentences", "4"]].concat();
        let output = tale(&arguments).output().unwrap();
        assert!(output.status.success());
        assert_eq!(output.stdout.split(|&byte| byte == b'\n').count(), 4 + 1);
        assert!(begun.elapsed() >= Duration::from_millis(3 * 50));
    }
}

#[test]
fn a_hurried_story_and_a_broken_one_do_not_wait() {
    for (flag, code) in [("--hurry", 0), ("--panic", 101)] {
        let mut child = Running::start(
            tale(&["--slow", FOR_EVER, flag]).stdout(Stdio::piped()).stderr(Stdio::null()),
        );
        assert_eq!(child.lines_of_stdout().rest().len(), 3);
        assert_eq!(child.status().code(), Some(code));
        // Standard input stays open, so without the hurry the tale would wait for a line.
        let mut child = Running::start(
            tale(&["--step", flag])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let stdin = child.0.stdin.take();
        assert_eq!(child.lines_of_stdout().rest().len(), 3);
        assert_eq!(child.status().code(), Some(code));
        drop(stdin);
    }
}

#[test]
fn each_line_of_input_is_one_step_and_its_end_tells_the_rest() {
    for way in BOTH_WAYS {
        let (keyboard, mut press) = std::io::pipe().unwrap();
        let arguments = [way, &["--step", "--sentences", "6"]].concat();
        let mut child = Running::start(
            tale(&arguments).stdin(keyboard).stdout(Stdio::piped()).stderr(Stdio::piped()),
        );
        let stdout = child.lines_of_stdout();
        for number in 0..3 {
            assert!(stdout.next().ends_with(&number.to_string()));
            assert!(stdout.is_empty(), "it waits for a line");
            press.write_all(b"go on\n").unwrap();
        }
        drop(press);
        assert_eq!(stdout.rest().len(), 3);
        assert!(child.status().success());
        assert_eq!(child.lines_of_stderr().rest(), ["all told"], "no hint without a person");
    }
}
