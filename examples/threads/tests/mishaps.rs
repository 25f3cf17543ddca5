//! What is left when one task goes wrong, and that nothing is left of the
//! lesson itself, however it ends.

#[rustfmt::skip] // it has its own width
#[path = "../../../tests/support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::signal::Signal;
use support::{IN_TIME, Run, SOON, count};

const PROGRAM: &str = env!("CARGO_BIN_EXE_threads");

fn told(flags: &str) -> Vec<String> {
    support::told(PROGRAM, flags)
}

/// How many of the tasks were done, in each arrangement.
fn done(story: &[String], of: usize, how: &str) -> Vec<usize> {
    let row = |line: &&String| line.starts_with(&format!("  | {how}"));
    let row = story.iter().find(row).expect("each mishap has its row");
    let of = format!(" of {of}");
    let numbers =
        row.split(&of).filter_map(|before| before.split(' ').next_back());
    numbers.filter_map(|number| number.parse().ok()).collect()
}

#[test]
fn a_task_that_aborts_takes_its_process_along_and_other_workers_finish() {
    for hands in [2, 3, 7] {
        let story = told(&format!("--mishap abort --workers {hands}"));
        let expected = [0, 0, hands - 1];
        assert_eq!(done(&story, hands, "abort"), expected, "{story:#?}");
        assert_eq!(count(&story, "killed by SIGABRT, not asked"), 3);
    }
}

#[test]
fn a_task_that_overflows_its_stack_takes_its_process_along_too() {
    let story = told("--mishap overflow");
    assert_eq!(done(&story, 3, "overflow"), [0, 0, 2], "{story:#?}");
    assert_eq!(count(&story, "killed by SIG"), 3, "{story:#?}");
}

#[test]
fn a_leak_stays_when_its_thread_ends_and_goes_when_its_process_ends() {
    let story = told("--mishap leak");
    assert_eq!(done(&story, 3, "leak"), [3, 3, 3], "{story:#?}");
    assert_eq!(count(&story, "not asked"), 0, "{story:#?}");
    // 32 MiB, or nearly: how many share the program's own pages changes.
    let row = story.last().expect("the row of the leak");
    let lost = row.split(", -").skip(1).map(|lost| {
        lost.split(' ').next().and_then(|mib| mib.parse().ok()).unwrap_or(0)
    });
    let lost: Vec<u32> = lost.collect();
    assert!(lost.len() == 2 && lost[0] > 24 && lost[1] > 24, "{story:#?}");
}

#[test]
fn processes_and_threads_are_counted_as_they_are() {
    let story = told("--workers 4");
    for (row, processes, threads) in
        [("one thread", 1, 2), ("4 threads", 1, 6), ("4 workers", 4, 8)]
    {
        let counts = format!(" {processes} {threads:>7} ");
        let is_it = |line: &String| {
            line.starts_with(&format!("  | {row}")) && line.contains(&counts)
        };
        assert!(story.iter().any(is_it), "{row}: {story:#?}");
    }
    assert_eq!(done(&story, 4, "abort"), [0, 0, 3], "{story:#?}");
    assert_eq!(done(&story, 4, "leak"), [4, 4, 4], "{story:#?}");
    assert_eq!(count(&story, "has the same result from all three"), 1);
}

/// A folder for temporary files, of one test alone.
fn empty_folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder); // an earlier run may have failed
    fs::create_dir_all(&folder).expect("there is room for it");
    folder
}

fn start_in(folder: &PathBuf) -> Run {
    Run::of(Command::new(PROGRAM).env("TMPDIR", folder))
}

fn left_in(folder: &PathBuf) -> usize {
    fs::read_dir(folder).expect("it is there").count()
}

#[test]
fn the_files_are_gone_when_the_lesson_has_ended() {
    let folder = empty_folder("ended");
    let run = start_in(&folder);
    let output = run.finish(IN_TIME);
    assert!(output.status.success(), "{output:#?}");
    assert_eq!(left_in(&folder), 0);
}

#[test]
fn the_files_are_gone_however_the_primary_is_ended() {
    for signal in
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGKILL]
    {
        let folder = empty_folder(signal.as_str());
        let interrupted = || {
            let run = start_in(&folder);
            run.wait_for_line("makes 300 files", IN_TIME);
            assert_eq!(left_in(&folder), 1);
            match signal {
                Signal::SIGKILL => run.signal(signal),
                _ => run.signal_group(signal), // as a terminal does
            }
            let output = run.finish(IN_TIME);
            assert_eq!(output.status.signal(), Some(signal as i32));
            run.assert_nothing_left(SOON);
            left_in(&folder) == 0
        };
        // Half a second after its primary a worker is ended, ready or not.
        // That is enough for 300 files, if the machine does nothing else.
        let clean = (1..=5).any(|_| interrupted());
        assert!(clean, "after {signal} files are left every time");
        // What was left by an unlucky one, the next run removes.
        start_in(&folder).finish(IN_TIME);
        assert_eq!(left_in(&folder), 0, "after {signal}");
    }
}
