//! The tools of the runner that start other programs, with those that are there and without.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use predicates::prelude::*;
use predicates::str::{contains, is_empty};

use crate::support::{self, assert_fits_80_columns, lessons};
use crate::{AMPLE, runner};

/// Acts with a folder in which this script is that tool; whatever the script writes there is gone
/// afterwards.
pub fn with_tool<T>(tool: &str, test: &str, script: &str, act: impl FnOnce(&Path) -> T) -> T {
    let folder = std::env::temp_dir().join(format!("{test}-{}", std::process::id()));
    fs::create_dir(&folder).expect("a folder of our own");
    let file = folder.join(tool);
    fs::write(&file, format!("#!/bin/sh\n{script}")).expect("a script");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let told = act(&folder);
    fs::remove_dir_all(&folder).expect("it is ours");
    told
}

#[test]
fn without_node_the_tool_says_so_and_what_to_do() {
    let nowhere = support::root().join("lessons"); // a folder without programs
    for lesson in lessons() {
        let expected = match support::lesson_file(&lesson, "node.mjs").is_file() {
            true => "Node is not installed",
            false => "is not there",
        };
        runner(&format!("node {lesson}"))
            .env("PATH", &nowhere)
            .assert()
            .code(1)
            .stdout(is_empty())
            .stderr(contains(expected))
            .stderr(predicate::function(|text: &str| text.lines().count() == 2));
    }
}

#[test]
fn when_node_fails_with_flags_it_is_said_where_its_flags_are() {
    let said = |words| {
        with_tool("node", "unknown-flag", "echo 'unknown option' >&2; exit 1", |folder| {
            runner(words).env("PATH", folder).assert().code(1).stdout(is_empty())
        })
    };
    said("node fork").stderr("unknown option\n");
    let help = "help: its flags are at the top of examples/fork/node.mjs\n";
    said("node fork --storm").stderr(format!("unknown option\n{help}"));
}

#[test]
fn compare_puts_every_telling_into_a_column() {
    let nowhere = support::root().join("lessons");
    let any = lessons().into_iter().filter(|lesson| !support::needs_node(lesson));
    for lesson in any {
        let mut sheet = runner(&format!("compare {lesson}"));
        let sheet = sheet.env("PATH", &nowhere).timeout(AMPLE).assert().success();
        let sheet = String::from_utf8_lossy(&sheet.get_output().stdout).into_owned();
        let has = |file: &str| support::lesson_file(&lesson, file).is_file();
        assert!(sheet.contains("rust"), "{sheet}");
        assert_eq!(sheet.contains("by hand"), has("src/by_hand.rs"), "{sheet}");
        assert_eq!(sheet.contains("not installed"), has("node.mjs"), "{sheet}");
        assert_fits_80_columns(&lesson, &sheet);
    }
}
