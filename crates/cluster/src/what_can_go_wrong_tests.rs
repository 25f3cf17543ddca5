//! Every line of the table in the documentation names a test that is there.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

/// All Rust text below a folder.
fn text(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text(&path, all);
        } else if path.extension().is_some_and(|it| it == "rs") {
            all.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn each_line_names_a_test() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = String::new();
    for folder in [here.join("tests"), here.join("../../tests/bad_days")] {
        text(&folder, &mut tests);
    }
    let table = include_str!("what_can_go_wrong.md");
    let rows = table.lines().filter(|line| line.starts_with("| ") && !line.contains("| test |"));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, _, _, name] = cells[..] else { panic!("not four cells: {row}") };
        // Some names are put together from a lesson or a policy and what holds: the longest piece
        // is in the text.
        let pieces = name.trim_matches('`').split(['{', '}']);
        let longest = pieces.max_by_key(|piece| piece.len()).unwrap();
        assert!(longest.len() > 20 && tests.contains(longest), "no such test: {name}");
        count += 1;
    }
    assert!(count > 30, "{count} rows");
}
