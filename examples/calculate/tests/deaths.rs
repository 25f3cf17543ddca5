//! Workers die, and the result is right all the same; and nobody outlives the primary.

#[rustfmt::skip] // its lines are longer than those of lessons
#[path = "../../../tests/support/mod.rs"]
mod support;

mod tool;

use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::Signal;
use support::SOON;
use tool::{IN_TIME, result, run, start};

#[test]
fn a_killed_worker_gives_its_part_back_and_the_result_is_right_20_times_of_20()
{
    for _ in 0..20 {
        let run = start("primes 10000000 --kill 1");
        let output = run.finish(IN_TIME);
        assert!(output.status.success(), "{output:#?}");
        for told in [
            "primary   kills worker ",
            "killed by SIGKILL, not asked",
            "primary   takes back part ",
            "forks worker 3",
            "puts together 664579; the last: 9999971, 9999973, 9999991",
        ] {
            assert!(output.stdout.contains(told), "{told}: {output:#?}");
        }
        run.assert_nothing_left(SOON);
    }
}

#[test]
fn a_part_whose_workers_we_killed_is_handed_out_as_often_as_needed() {
    let output = run("fibonacci 10000 --kill 7");
    assert!(output.status.success(), "{output:#?}");
    for deed in
        ["kills worker", "killed by SIGKILL, not asked", "takes back part 1"]
    {
        assert_eq!(
            output.stdout.matches(deed).count(),
            7,
            "{deed}: {output:#?}"
        );
    }
    assert!(
        output.stdout.contains("33644764...47366875, 2090 digits"),
        "{output:#?}"
    );
}

#[test]
fn more_kills_than_parts_and_workers_do_no_harm() {
    assert_eq!(
        result("factorial 20 --workers 3 --kill 20"),
        "2432902008176640000"
    );
}

#[test]
fn a_part_that_ends_every_worker_is_given_up_after_three() {
    for telling in ["", "--by-hand"] {
        let run = start(&format!("primes 100000 --poison 2 {telling}"));
        let output = run.finish(IN_TIME);
        assert_eq!(output.status.code(), Some(1), "{output:#?}");
        assert_eq!(
            output.stdout.matches("killed by SIGABRT").count(),
            3,
            "{output:#?}"
        );
        assert_eq!(
            output.stdout.matches("takes back part 2").count(),
            2,
            "{output:#?}"
        );
        let complaint = "error: part 2 of primes to 100000 has ended 3 workers (killed by SIGABRT)\n";
        assert!(output.stderr.starts_with(complaint), "{output:#?}");
        assert_eq!(output.stderr.lines().count(), 2, "{output:#?}");
        run.assert_nothing_left(SOON);
    }
}

#[test]
fn ctrl_c_ends_a_long_task_and_its_workers_at_once() {
    let run = start("primes 20000000000");
    run.wait_for_line("shares out", IN_TIME);
    run.signal_group(Signal::SIGINT);
    let output = run.finish(IN_TIME);
    assert_eq!(
        output.status.signal(),
        Some(Signal::SIGINT as i32),
        "{output:#?}"
    );
    run.assert_nothing_left(SOON);
}

#[test]
fn workers_in_the_middle_of_a_part_follow_a_killed_primary() {
    let run = start("fibonacci 50000000");
    run.wait_for_line("shares out", IN_TIME);
    run.signal(Signal::SIGKILL);
    run.finish(IN_TIME);
    run.assert_nothing_left(SOON);
}
