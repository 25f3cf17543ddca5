//! Right results, and how they look. What is right was computed by other programs.

#[rustfmt::skip] // its lines are longer than those of lessons
#[path = "../../../tests/support/mod.rs"]
mod support;

mod tool;

use serde_json::Value;
use support::assert_fits_80_columns;
use tool::{json, result, run};

fn digit_sum(digits: &str) -> u32 {
    digits.bytes().map(|digit| u32::from(digit - b'0')).sum()
}

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
