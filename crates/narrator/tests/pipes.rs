//! A story told into pipes and files.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use common::{DEADLINE, Running, tale};

const BOTH_WAYS: [&[&str]; 2] = [&[], &["--by-hand"]];

fn output(arguments: &[&str]) -> (i32, String, String) {
    let output = tale(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_story_looks_the_same_with_and_without_a_thread() {
    for way in BOTH_WAYS {
        let (code, stdout, stderr) = output(&[way, &["--table"]].concat());
        assert_eq!(
            stdout,
            "worker 1  says: hi there 0\nworker 2  says: hi there 1\nworker 3  says: hi there 2\n\
             a       b\nc       d\n\n"
        );
        assert_eq!((code, stderr.as_str()), (0, "all told\n"));
    }
}

#[test]
fn pids_are_shown_when_asked_for() {
    let (_, stdout, _) = output(&["--pids", "--sentences", "1"]);
    assert!(stdout.starts_with("worker 1 [1000] "), "{stdout}");
    assert!(stdout.ends_with("  says: hi there 0\n"), "{stdout}");
}

#[test]
fn a_pipe_gets_lines_of_at_most_80_columns_without_escapes() {
    let object = "\x1b[31mred\n".to_owned() + &"many words ".repeat(30);
    let (_, stdout, _) = output(&["--object", &object]);
    assert!(stdout.lines().count() > 3 && stdout.lines().all(|l| l.len() <= 80), "{stdout}");
    assert!(!stdout.contains('\x1b'), "{stdout:?}");
}

#[test]
fn colour_can_be_forced_into_a_pipe_and_no_color_wins_on_its_own() {
    let run = |name: &str| {
        let output = tale(&["--sentences", "1"]).env(name, "1").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(run("CLICOLOR_FORCE"), "\x1b[36mworker 1\x1b[0m  says: hi there 0\n");
    assert_eq!(run("NO_COLOR"), "worker 1  says: hi there 0\n");
}

#[test]
fn every_sentence_is_one_write_of_whole_lines() {
    for way in BOTH_WAYS {
        // A datagram socket keeps each write apart.
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        ours.set_read_timeout(Some(DEADLINE)).unwrap();
        let object = "words ".repeat(40);
        let arguments = [way, &["--sentences", "4", "--object", &object]].concat();
        let mut child =
            Running::start(tale(&arguments).stdout(OwnedFd::from(theirs)).stderr(Stdio::null()));
        for number in 0..4 {
            let mut bytes = [0; 4096];
            let count = ours.recv(&mut bytes).unwrap();
            let text = String::from_utf8_lossy(&bytes[..count]);
            assert!(text.starts_with(&format!("worker {}  says: words", number % 3 + 1)));
            assert!(text.ends_with(&format!(" {number}\n")) && text.lines().count() > 2, "{text}");
        }
        assert!(child.status().success());
    }
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    for way in BOTH_WAYS {
        // More than a pipe holds, so the tale is still writing when its reader leaves.
        let arguments = [way, &["--sentences", "5000"]].concat();
        let mut child =
            Running::start(tale(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let mut reader = BufReader::new(child.0.stdout.take().unwrap());
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        assert_eq!(first, "worker 1  says: hi there 0\n");
        drop(reader);
        assert_eq!(child.status().code(), Some(0));
        let stderr = child.lines_of_stderr().rest();
        assert!(stderr.iter().all(|line| line == "all told"), "{stderr:?}");
    }
}

#[test]
fn closed_stdout_and_stderr_together_are_no_reason_to_panic() {
    for (arguments, stdout_is_closed, code) in
        [(&[][..], true, 0), (&["--by-hand"], true, 0), (&["--fail"], false, 1)]
    {
        let (reader, closed) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = tale(arguments);
        command.stdout(Stdio::null()).stderr(closed.try_clone().unwrap());
        if stdout_is_closed {
            command.stdout(closed);
        }
        let mut child = Running::start(&mut command);
        assert_eq!(child.status().code(), Some(code));
    }
}

#[test]
fn a_full_disk_is_reported_in_one_line() {
    for way in BOTH_WAYS {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = tale(way).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        let stderr = stderr.strip_prefix("all told\n").unwrap_or(&stderr);
        assert_eq!(stderr, "error: cannot write to standard output: No space left on device\n");
    }
    let (code, _, stderr) = output(&["--record", "/dev/full"]);
    assert_eq!(
        (code, stderr.as_str()),
        (1, "error: cannot write to /dev/full: No space left on device\n")
    );
}

#[test]
fn a_non_blocking_pipe_loses_nothing() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let flags = nix::fcntl::OFlag::O_NONBLOCK;
    nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETFL(flags)).unwrap();
    let mut child =
        Running::start(tale(&["--sentences", "5000"]).stdout(writer).stderr(Stdio::piped()));
    assert_eq!(child.lines_of_stderr().next(), "all told"); // by now the pipe may well be full
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count(), 5000);
    assert!(child.status().success());
}

#[test]
fn telling_never_waits_for_a_reader_that_does_not_read() {
    let mut child = Running::start(
        tale(&["--sentences", "5000"]).stdout(Stdio::piped()).stderr(Stdio::piped()),
    );
    assert_eq!(child.lines_of_stderr().next(), "all told");
    assert_eq!(child.lines_of_stdout().rest().len(), 5000);
    assert!(child.status().success());
}

#[test]
fn a_story_by_hand_has_one_thread_and_the_other_a_printer_deaf_to_signals() {
    for (way, threads) in [("--by-hand", 1), ("--hurry", 2)] {
        // `tale` is stuck in the writing of this story, because nobody reads.
        let mut child = Running::start(
            tale(&[way, "--sentences", "5000"]).stdout(Stdio::piped()).stderr(Stdio::piped()),
        );
        // The first byte shows that the printer runs, the line that the story is begun.
        let mut first = [0];
        child.0.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        if threads == 2 {
            assert_eq!(child.lines_of_stderr().next(), "all told");
        }
        let tasks = format!("/proc/{}/task", child.0.id());
        let mut names = Vec::new();
        for task in fs::read_dir(tasks).unwrap() {
            let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            let field = |name| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                line.map(str::trim).unwrap().to_owned()
            };
            let blocked = u64::from_str_radix(&field("SigBlk:"), 16).unwrap();
            let (interrupt, terminate, ttin) = (1 << 1, 1 << 14, 1 << 20);
            if field("Name:") == "printer" {
                assert_eq!(blocked & (interrupt | terminate | ttin), interrupt | terminate);
            } else {
                assert_eq!(blocked, 0);
            }
            names.push(field("Name:"));
        }
        names.sort();
        assert_eq!(names, if threads == 1 { &["tale"][..] } else { &["printer", "tale"] });
    }
}

#[test]
fn a_failure_ends_with_two_lines_and_exit_code_1() {
    let (code, stdout, stderr) = output(&["--fail"]);
    assert_eq!((code, stdout.lines().count()), (1, 3));
    assert_eq!(stderr, "all told\nerror: the tale is sad\nhelp: tell another one\n");

    let (code, stdout, stderr) = output(&["--record", "/no/such/directory/story"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.starts_with("error: cannot record to /no/such/directory/story: "), "{stderr}");
    assert!(stderr.lines().nth(1).unwrap().starts_with("help: "), "{stderr}");
}

#[test]
fn a_picture_follows_the_story_it_is_of() {
    for way in BOTH_WAYS {
        let picture = |kind, of| {
            let arguments = [way, &["--sentences", "4", "--picture", kind, "--picture-of", of]];
            let (code, stdout, _) = output(&arguments.concat());
            assert_eq!(code, 0);
            let (story, picture) = stdout.split_once("\n\n").unwrap();
            assert_eq!(story.lines().count(), 4, "all is told, whatever is drawn");
            picture.to_owned()
        };
        assert_eq!(
            picture("ladder", "-worker 2"),
            "primary   worker 1  worker 3\n   |<---------|         |     says: hi there 0\n   \
             |<-------------------|     says: hi there 2\n   |<---------|         |     \
             says: hi there 3\n"
        );
        assert_eq!(
            picture("tree", "worker"),
            "primary\n|-- worker 1\n|-- worker 2\n`-- worker 3\n"
        );
        assert_eq!(
            picture("mermaid", "worker 3"),
            "sequenceDiagram\n    worker 3->>primary: says: hi there 2\n"
        );
    }
}

#[test]
fn help_fits_80_columns() {
    for flag in ["-h", "--help"] {
        let (code, stdout, _) = output(&[flag]);
        assert_eq!(code, 0);
        assert!(stdout.starts_with("Tells a short tale\n"), "{stdout}");
        for option in ["--slow", "--step", "--pids", "--record", "--picture"] {
            assert!(stdout.contains(option), "{stdout}");
        }
        assert!(stdout.lines().all(|line| line.chars().count() <= 80), "{stdout}");
    }
}

#[test]
fn a_wrong_command_ends_with_2_unless_it_is_a_worker_s() {
    let (code, _, stderr) = output(&["--slow", "soon"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("'soon'") && stderr.contains("700ms"), "{stderr}");
    assert_eq!(output(&["--slow", "--step"]).0, 2);

    // A worker of a foreign primary takes the values of an empty command line.
    let (code, stdout, _) = output(&["--worker", "--sentences", "9", "--foreign"]);
    assert_eq!((code, stdout.lines().count()), (0, 3));
}
