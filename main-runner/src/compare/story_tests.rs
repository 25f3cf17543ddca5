//! What counts as a sentence, and whose it is.

use super::story::{Sentence, by_worker, sentences};

fn one(line: &str) -> (String, String) {
    let mut all = sentences(line);
    assert_eq!(all.len(), 1);
    let Sentence { actor, deed } = all.remove(0);
    (actor, deed)
}

fn pair(actor: &str, deed: &str) -> (String, String) {
    (actor.to_owned(), deed.to_owned())
}

#[test]
fn the_actor_is_a_word_and_its_number() {
    assert_eq!(one("primary   forks worker 1"), pair("primary", "forks worker 1"));
    assert_eq!(one("worker 1  is online"), pair("worker 1", "is online"));
    assert_eq!(one("worker 10 is online"), pair("worker 10", "is online"));
    assert_eq!(one("  cores   8"), pair("", "cores 8"));
}

#[test]
fn a_sentence_may_go_on_under_its_verb() {
    assert_eq!(one("worker 1  says: one\n          two"), pair("worker 1", "says: one two"));
    assert_eq!(sentences("  cores\n          two").len(), 2); // a table
}

#[test]
fn what_chance_decides_stands_in_the_margin_and_is_left_out() {
    let told = "worker 1  is up\n  | worker 1  serves  4 of 12  ####\nworker 1  exits\n";
    assert_eq!(sentences(told), sentences("worker 1  is up\nworker 1  exits\n"));
    assert_eq!(one("  |cores"), pair("", "|cores")); // a table
}

#[test]
fn what_differs_from_run_to_run_is_replaced() {
    assert_eq!(one("primary   is process 57.").1, "is process <id>.");
    assert_eq!(one("primary   has pid 4711, as told").1, "has pid <id>, as told");
    assert_eq!(one("worker 1 (57) is online").1, "(<id>) is online");
    assert_eq!(one("worker 1 [57]  is online").1, "[<id>] is online");
    assert_eq!(one("worker 1  answers in 1.5 ms, twice").1, "answers in <time>, twice");
    assert_eq!(one("worker 1  answers in 2.1 seconds").1, "answers in <time>");
    assert_eq!(one("primary   serves http://127.0.0.1:40123/").1, "serves http://127.0.0.1:<id>/");
}

#[test]
fn what_is_computed_is_compared() {
    for line in ["worker 1  counts to 12", "worker 1  counts 1048576 letters"] {
        let (actor, deed) = one(line);
        assert_eq!(format!("{actor}  {deed}"), line);
    }
}

#[test]
fn the_order_between_workers_does_not_matter() {
    let one = "primary forks worker 1\nprimary forks worker 2\nworker 1 is up\nworker 2 is up\n";
    let two = "primary forks worker 1\nworker 1 is up\nprimary forks worker 2\nworker 2 is up\n";
    assert_eq!(by_worker(&sentences(one)), by_worker(&sentences(two)));
}

#[test]
fn the_order_within_a_worker_matters() {
    let one = "primary forks worker 1\nworker 1 is up\n";
    let two = "worker 1 is up\nprimary forks worker 1\n";
    assert_ne!(by_worker(&sentences(one)), by_worker(&sentences(two)));
}
