//! The lesson as a tool: right results, whatever happens to the workers, and plain words about
//! what cannot be done.

#[rustfmt::skip] // its lines are longer than those of lessons
#[path = "../../../tests/support/mod.rs"]
mod support;

use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::pty::openpty;
use nix::sys::signal::Signal;
use serde_json::Value;
use support::{Output, Run, assert_fits_80_columns};

const PROGRAM: &str = env!("CARGO_BIN_EXE_calculate");

/// All that is computed here takes a moment, on a machine that is not busy with other things.
const IN_TIME: Duration = Duration::from_secs(60);

fn start(words: &str) -> Run {
    Run::start(PROGRAM, &words.split_whitespace().collect::<Vec<_>>())
}

fn run(words: &str) -> Output {
    start(words).finish(IN_TIME)
}

fn json(words: &str) -> Value {
    let output = run(&format!("{words} --json"));
    assert!(output.status.success(), "{words}: {output:#?}");
    assert_eq!(output.stdout.lines().count(), 1, "{words}");
    serde_json::from_str(&output.stdout).expect("a line of JSON")
}

fn result(words: &str) -> String {
    json(words)["result"].as_str().expect("the result is a text").to_owned()
}

fn digit_sum(digits: &str) -> u32 {
    digits.bytes().map(|digit| u32::from(digit - b'0')).sum()
}

// What is right was computed by other programs.

#[test]
fn the_factorial_of_100000_is_right_to_the_last_of_its_456574_digits() {
    let digits = result("factorial 100000");
    assert_eq!(digits.len(), 456_574);
    assert!(digits.starts_with("28242294079603478742"));
    let significant = digits.trim_end_matches('0');
    assert_eq!(digits.len() - significant.len(), 24_999);
    assert!(significant.ends_with("18545898454957162496"));
    assert_eq!(digit_sum(&digits), 1_938_780);
}

#[test]
fn the_millionth_fibonacci_number_is_right() {
    let digits = result("fibonacci 1000000");
    assert_eq!(digits.len(), 208_988);
    assert!(digits.starts_with("19532821287077577316"));
    assert!(digits.ends_with("68996526838242546875"));
    assert_eq!(digit_sum(&digits), 941_172);
}

#[test]
fn a_number_that_needs_several_messages_arrives_whole() {
    let digits = result("fibonacci 4000000 --kill 1");
    assert_eq!(digits.len(), 835_951);
    assert_eq!(digit_sum(&digits), FIBONACCI_OF_4_MILLION);
}

const FIBONACCI_OF_4_MILLION: u32 = 3761889;

#[test]
fn primes_are_counted_right() {
    assert_eq!(result("primes 10000000"), "664579");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes long: cargo test --release")]
fn the_primes_to_a_thousand_million_are_counted_right() {
    let line = json("primes 1000000000");
    assert_eq!(line["result"], "50847534");
    assert_eq!(
        line["last"],
        serde_json::json!([999999893, 999999929, 999999937])
    );
}

#[test]
fn a_sum_is_right_one_by_one_and_by_formula() {
    assert_eq!(result("sum 1 100"), "5050");
    assert_eq!(result("sum 1 1000000000000"), "500000000000500000000000");
    let google = format!("1{}", "0".repeat(100));
    let expected = format!("5{}5{}", "0".repeat(99), "0".repeat(99));
    assert_eq!(result(&format!("sum 0 {google}")), expected);
}

#[test]
fn the_number_of_workers_changes_the_time_and_nothing_else() {
    for task in
        ["factorial 5000", "sum 17 1000000", "primes 1000000", "fibonacci 5000"]
    {
        let line = json(&format!("{task} --workers 1"));
        for workers in [2, 5] {
            let other = json(&format!("{task} --workers {workers}"));
            assert_eq!(other["workers"], workers);
            assert_eq!(
                [&other["result"], &other["last"]],
                [&line["result"], &line["last"]]
            );
        }
        let told = run(&format!("{task} --by-hand")).stdout;
        let length = line["result"].as_str().map_or(0, str::len);
        match length > 24 {
            true => {
                assert!(told.contains(&format!("{length} digits")), "{told}")
            }
            false => assert!(
                told.contains(line["result"].as_str().unwrap_or("?")),
                "{told}"
            ),
        }
    }
}

// What a result looks like.

#[test]
fn long_numbers_show_their_ends_unless_all_of_them_is_asked_for() {
    let told = run("factorial 1000").stdout;
    assert!(
        told.contains("puts together 40238726...00000000, 2568 digits"),
        "{told}"
    );
    assert_fits_80_columns("factorial 1000", &told);
    let full = run("factorial 1000 --full").stdout;
    let digits = full.lines().last().unwrap_or_default();
    assert_eq!((digits.len(), digit_sum(digits)), (2568, 10_539));
}

#[test]
fn json_is_a_line_for_each_task_and_nothing_else() {
    let output = run("--json");
    let lines: Vec<Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let tasks: Vec<_> =
        lines.iter().filter_map(|line| line["task"].as_str()).collect();
    assert_eq!(
        tasks,
        [
            "factorial 100000",
            "sum 1 300000000",
            "primes 200000000",
            "fibonacci 2000000"
        ]
    );
    for line in &lines {
        assert!(line["result"].is_string() && line["workers"] == 2, "{line}");
        assert!(
            line["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0),
            "{line}"
        );
    }
}

// Workers die.

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
        run.assert_nothing_left(Duration::from_secs(1));
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
        run.assert_nothing_left(Duration::from_secs(1));
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
    run.assert_nothing_left(Duration::from_secs(1));
}

#[test]
fn workers_in_the_middle_of_a_part_follow_a_killed_primary() {
    let run = start("fibonacci 50000000");
    run.wait_for_line("shares out", IN_TIME);
    run.signal(Signal::SIGKILL);
    run.finish(IN_TIME);
    run.assert_nothing_left(Duration::from_secs(1));
}

// What cannot be done.

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
    run.assert_nothing_left(Duration::from_secs(1));
}

// While it takes long.

/// Runs the program with a terminal as its standard error, and returns what that showed.
fn on_a_terminal(words: &str) -> String {
    let pty = openpty(None, None).expect("a pseudo-terminal");
    let mut child = Command::new(PROGRAM)
        .args(words.split_whitespace())
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(pty.slave)
        .spawn()
        .expect("the lesson starts");
    let mut shown = Vec::new();
    // The last read fails: no other side is left.
    let _ = File::from(pty.master).read_to_end(&mut shown);
    assert!(child.wait().expect("it is our child").success());
    String::from_utf8_lossy(&shown).into_owned()
}

#[test]
fn a_terminal_shows_how_far_the_work_is() {
    let shown = on_a_terminal("primes 1000000000"); // long enough for a few pictures
    assert!(shown.contains("of 64 parts"), "{shown:?}");
    assert!(shown.contains("=>"), "{shown:?}");
}

#[test]
fn with_a_pace_and_in_a_pipe_there_is_no_bar() {
    assert_eq!(on_a_terminal("primes 1000000 --slow=1ms"), "");
    assert_eq!(run("primes 1000000").stderr, "");
}
