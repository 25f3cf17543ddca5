//! Plain words about what cannot be done, and a picture of what takes long.

#[rustfmt::skip] // its lines are longer than those of lessons
#[path = "../../../tests/support/mod.rs"]
mod support;

mod tool;

use nix::sys::signal::Signal;
use support::{SOON, assert_fits_80_columns, on_a_terminal};
use tool::{IN_TIME, PROGRAM, run, start};

#[test]
fn a_wrong_command_is_explained_in_two_lines_with_exit_code_2() {
    for (words, what) in [
        ("factorial -5", "error: -5 is negative\n"),
        ("fibonacci -0.5", "error: `-0.5` is not a whole number\n"),
        ("primes many", "error: `many` is not a whole number\n"),
        ("sum 1", "error: sum takes 2 numbers, not 1 number\n"),
        ("sum 2 1", "error: the sum begins with the larger number\n"),
        ("cube 3", "error: there is no task `cube`\n"),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(2), "{words}: {output:#?}");
        assert!(output.stderr.starts_with(what), "{words}: {output:#?}");
        assert_eq!(output.stderr.lines().count(), 2, "{words}: {output:#?}");
        assert!(output.stderr.contains("\nhelp: "), "{words}: {output:#?}");
        assert_eq!(output.stdout, "", "{words}");
    }
}

#[test]
fn what_takes_ages_is_refused_with_an_estimate_and_exit_code_1() {
    for (words, what) in [
        ("factorial 1000000000", "would take 3 days and 80 GiB of memory"),
        ("fibonacci 1000000000000", "of memory"),
        ("primes 1000000000000000", "would take"),
        ("factorial 99999999999999999999", "out of reach"),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(1), "{words}: {output:#?}");
        assert!(output.stderr.contains(what), "{words}: {output:#?}");
        assert_eq!(output.stderr.lines().count(), 2, "{words}: {output:#?}");
        assert_fits_80_columns(words, &output.stderr);
        assert_eq!(output.stdout, "", "{words}");
    }
}

#[test]
fn whoever_wants_it_anyway_gets_it() {
    let run = start("primes 1000000000000000 --anyway");
    run.wait_for_line("shares out primes to 1000000000000000", IN_TIME);
    run.signal(Signal::SIGTERM);
    run.finish(IN_TIME);
    run.assert_nothing_left(SOON);
}

#[test]
fn a_terminal_shows_how_far_the_work_is() {
    let shown = on_a_terminal(PROGRAM, "primes 1000000000"); // takes long enough
    assert!(shown.contains("of 64 parts"), "{shown:?}");
    assert!(shown.contains("=>"), "{shown:?}");
}

#[test]
fn with_a_pace_and_in_a_pipe_there_is_no_bar() {
    assert_eq!(on_a_terminal(PROGRAM, "primes 1000000 --slow=1ms"), "");
    assert_eq!(run("primes 1000000").stderr, "");
}
