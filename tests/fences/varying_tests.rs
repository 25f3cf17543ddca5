//! What varies, and what does not.

use crate::fences::compare::agree;
use crate::fences::varying::Mode::{InOrder, PerWorker, Varies};
use crate::fences::varying::masked;

#[test]
fn only_values_that_are_announced_vary() {
    let mask = |line| masked(line, InOrder, false);
    assert_eq!(mask("primary   is process 57, pid=8"), "primary is process <n>, pid=<n>");
    assert_eq!(mask("worker 1 [57]  waits 0.4 ms (of 1 s)"), "worker 1 [<n>] waits <n> (of <n>)");
    assert_eq!(
        mask("serves http://127.0.0.1:33303/ on port 33303"),
        "serves http://127.0.0.1:<n>/ on port <n>"
    );
    assert_eq!(mask("is 1.9 times as fast, 3 times"), "is <n> times as fast, 3 times");
    assert_eq!(mask("counts 1048576 letters, exits 0"), "counts 1048576 letters, exits 0");
}

#[test]
fn with_varies_every_number_does_with_its_unit_but_no_name() {
    let mask = |line| masked(line, Varies, false);
    assert_eq!(mask("has 3.4 MiB after 1.1 seconds"), mask("has 20 KiB after 270 ms"));
    assert_eq!(mask("runs 1 worker on CPUs 0-1"), mask("runs 12 workers on CPU 3"));
    assert_eq!(mask("the last: 7, 11, 13"), mask("the last: 7"));
    assert_eq!(mask("p99 sha512"), "p99 sha512");
    assert_eq!(mask("puts together 28242294...00000000"), "puts together 28242294...00000000");
}

#[test]
fn the_margin_is_read_by_its_words() {
    let chart = "  | worker 1  serves  5 of 12  #####\n  | visitor 1  asks===|===200\n";
    let other = "  | worker 1  serves  12 of 12  ############\n  | visitor 1  asks=|=====200\n";
    assert!(agree(PerWorker, chart, other));
    assert!(!agree(PerWorker, chart, &other.replace("serves", "served")));
    assert!(agree(InOrder, "  | in Rust Node Node", "  | in Node"));
    assert!(!agree(InOrder, "  | in Rust Node", ""));
    let one = "  | answered in Node Node\n  | is answered 12 times in Node";
    let two = "  | answered in Rust Node\n  | is answered 2 times in Rust, 10 times in Node";
    assert!(agree(InOrder, one, two));
}

#[test]
fn order_is_free_between_workers_and_not_within_one() {
    let one = "worker 1  is up\nworker 2  is up\nworker 1  exits 0";
    let other = "worker 2  is up\nworker 1  is up\nworker 1  exits 0";
    assert!(agree(PerWorker, one, other) && !agree(InOrder, one, other));
    assert!(!agree(PerWorker, one, "worker 1  exits 0\nworker 2  is up\nworker 1  is up"));
    assert!(!agree(Varies, "primary   a\nprimary   b", "primary   b\nprimary   a"));
}

#[test]
fn a_picture_is_compared_like_the_story_that_it_shows() {
    let one = "sequenceDiagram\n    primary->>worker 1: forks\n    worker 1-xprimary: exits 0\n    worker 2->>primary: waits 3 ms";
    let other = "sequenceDiagram\n    worker 2->>primary: waits 9 ms\n    primary->>worker 1: forks\n    worker 1-xprimary: exits 0";
    assert!(agree(PerWorker, one, other));
    assert!(!agree(PerWorker, one, &other.replace("-x", "->>")));
    assert!(!agree(PerWorker, one, &other.replace("worker 2", "worker 3")));
}
