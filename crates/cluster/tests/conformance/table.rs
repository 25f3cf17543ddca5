//! Runs the rows, and keeps `CONFORMANCE.md`, which says what came of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::row::{PAIRINGS, Row, Source};

/// Node's tests that have nothing to say to us: what they are about exists in JavaScript alone.
const NOT_OURS: &[(u32, &str, &str)] = &[
    (2, "test-cluster-advanced-serialization", "`advanced` serialization is V8's own format"),
    (27, "test-cluster-eaddrinuse", "no cluster in it; `cluster_eaddrinuse` is ours in its place"),
    (30, "test-cluster-fork-windowsHide", "Windows"),
    (49, "test-cluster-rr-domain-listen", "the module `domain`"),
    (50, "test-cluster-rr-handle-close", "references of an event loop"),
    (51, "test-cluster-rr-handle-keep-loop-alive", "references of an event loop"),
    (52, "test-cluster-rr-handle-ref-unref", "references of an event loop"),
    (53, "test-cluster-rr-ref", "references of an event loop"),
    (56, "test-cluster-send-socket-to-worker-http-server", "a property of a JavaScript object"),
    (67, "test-cluster-uncaught-exception", "`uncaughtException`"),
    (68, "test-cluster-worker-constructor", "a JavaScript constructor"),
    (84, "test-cluster-inspect-brk", "the inspector"),
    (0, "test-dgram-unref-in-cluster", "references of an event loop"),
    (0, "test-net-socket-constructor", "a JavaScript constructor"),
    (0, "test-diagnostics-channel-process", "diagnostics channels"),
    (0, "test-inspect-support-for-node_options", "the inspector"),
    (0, "test-inspector-port-zero-cluster", "the inspector"),
    (0, "test-inspector-port-cluster", "the inspector"),
    (0, "test-inspector-cluster-port-clash", "the inspector"),
    (0, "test-benchmark-cluster", "Node's benchmarks"),
];

/// By test: what came of it.
type Results = Arc<Mutex<BTreeMap<String, String>>>;

pub fn run(rows: Vec<Row>) {
    let results = Results::default();
    let mut trials = Vec::new();
    for row in &rows {
        for pairing in PAIRINGS.into_iter().filter(|&it| row.why_not(it).is_none()) {
            let (row, test, results) = (row.clone(), row.test(pairing), Arc::clone(&results));
            trials.push(Trial::ignorable_test(test.name, move || {
                let note = |result: &str| {
                    results.lock().unwrap().insert(test.name.to_owned(), result.to_owned());
                };
                if let Err(reason) = row.lacks(pairing) {
                    note(&format!("ignored: {reason}"));
                    return Ok(Completion::ignored_with(reason));
                }
                note("fail"); // until it is over
                test.run().inspect(|_| note("pass"))
            }));
        }
    }
    let every_row = rows.clone();
    trials.push(Trial::test("every_test_of_node_s_has_its_row", move || complete(&every_row)));
    let current = rows.clone();
    trials.push(Trial::test("the_committed_table_is_current", move || is_current(&current)));
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    if updates() {
        let (committed, results) = (Committed::read(), results.lock().unwrap());
        let table = table(&rows, |test| {
            let result = results.get(test).filter(|result| !result.starts_with("ignored"));
            // What was not run keeps what is known of it.
            let known = || committed.of(test).or_else(|| results.get(test).cloned());
            result.cloned().or_else(known).unwrap_or("not run".into())
        });
        std::fs::write(path(), table).unwrap();
    }
    conclusion.exit()
}

fn updates() -> bool {
    std::env::var_os("UPDATE").is_some()
}

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "CONFORMANCE.md"].iter().collect()
}

fn complete(rows: &[Row]) -> Result<(), Failed> {
    let mut numbers: Vec<u32> = NOT_OURS.iter().map(|(number, ..)| *number).collect();
    numbers.retain(|&number| number > 0);
    numbers.extend(rows.iter().filter_map(|row| match row.source {
        Source::Cluster(number) => Some(number),
        _ => None,
    }));
    numbers.sort_unstable();
    if !numbers.iter().copied().eq(1..=88) {
        let missing = (1..=88).filter(|number| !numbers.contains(number)).collect::<Vec<_>>();
        return Err(format!("missing: {missing:?}; in the table: {numbers:?}").into());
    }
    let mut names: Vec<_> = rows.iter().map(|row| row.name).collect();
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    if names.len() == before { Ok(()) } else { Err("two rows have one name".into()) }
}

/// The table has every row, and no row that failed or never ran. (A row that fails now says so
/// itself; one that was ignored when the table was written may well run here.)
fn is_current(rows: &[Row]) -> Result<(), Failed> {
    if updates() {
        return Ok(());
    }
    let committed = Committed::read();
    let known =
        |test: &str| committed.of(test).filter(|it| it == "pass" || it.starts_with("ignored"));
    if table(rows, |test| known(test).unwrap_or("pass".into())) == committed.text {
        return Ok(());
    }
    Err("CONFORMANCE.md is stale: UPDATE=1 cargo test -p cluster --test conformance".into())
}

struct Committed {
    text: String,
}

impl Committed {
    fn read() -> Committed {
        Committed { text: std::fs::read_to_string(path()).unwrap_or_default() }
    }

    /// What it says of that test.
    fn of(&self, test: &str) -> Option<String> {
        let (pairing, name) = test.split_once("::").unwrap_or(("", test));
        let column = match pairing {
            "" => 4,
            "rust_primary_node_worker" => 5,
            _ => 6,
        };
        let cells = |line: &str| line.split('|').map(|it| it.trim().to_owned()).collect::<Vec<_>>();
        let row =
            self.text.lines().map(cells).find(|it| it.get(3) == Some(&format!("`{name}`")))?;
        row.get(column).cloned()
    }
}

fn table(rows: &[Row], result: impl Fn(&str) -> String) -> String {
    let mut text = String::from(HEAD);
    for kind in ["cluster", "related", "ours"] {
        let mut mine: Vec<&Row> = rows.iter().filter(|row| kind_of(row) == kind).collect();
        mine.sort_by_key(|row| match row.source {
            Source::Cluster(number) => (number, ""),
            _ => (0, row.name),
        });
        text += match kind {
            "cluster" => "",
            "related" => "\n## Other tests of Node's that are about cluster\n\n",
            _ => "\n## Ours\n\n",
        };
        text += COLUMNS;
        for row in mine {
            let cells = PAIRINGS.map(|pairing| match row.why_not(pairing) {
                Some(reason) => format!("does not apply: {reason}"),
                None => result(row.test(pairing).name),
            });
            let number = match row.source {
                Source::Cluster(number) => number.to_string(),
                _ => String::new(),
            };
            let [rust, workers, primary] = cells;
            let (title, name) = (row.title(), row.name);
            text +=
                &format!("| {number} | {title} | `{name}` | {rust} | {workers} | {primary} |\n");
        }
    }
    text += "\n## Node's tests that have nothing to say to us\n\n| row | Node's test | why |\n|---|---|---|\n";
    for (number, name, why) in NOT_OURS {
        let number = if *number == 0 { String::new() } else { number.to_string() };
        text += &format!("| {number} | {name} | {why} |\n");
    }
    text
}

fn kind_of(row: &Row) -> &'static str {
    match row.source {
        Source::Cluster(_) => "cluster",
        Source::Related => "related",
        Source::Ours => "ours",
    }
}

const HEAD: &str = "# Node's own tests of its `cluster`, and this crate

Every test that Node 25.8.1 has for `cluster`, and what came of the same behaviour here, in three pairings. The tests are in
`tests/conformance`, written in our own words. Where this crate is better than Node on purpose (see its documentation, \"Where
this differs from Node\"), the test asserts the better behaviour. What the Node at hand lacks is ignored and keeps the result that it had
with a newer one. This file is written by `UPDATE=1 cargo test -p cluster --test conformance`.

";

const COLUMNS: &str = "\
| row | Node's test | test | Rust primary, Rust workers | Rust primary, Node workers | Node primary, Rust workers |
|---|---|---|---|---|---|
";
