//! `rehearse`: what the teacher types before the class.

mod support;

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use support::{Run, SOON, assert_fits_80_columns, lessons, needs_node, root, runs_here};

const RUNNER: &str = env!("CARGO_BIN_EXE_main-runner");

/// Long enough for all lessons, one after the other, on a busy machine.
const AMPLE: Duration = Duration::from_secs(240);

#[test]
fn it_reports_on_every_lesson_and_on_the_room() {
    let taken = TcpListener::bind("127.0.0.1:3000"); // or somebody else has it: taken all the same
    let run = Run::start(RUNNER, &["rehearse"]);
    let output = run.finish(AMPLE);
    drop(taken);
    for lesson in lessons() {
        let row = output.stdout.lines().find(|line| line.starts_with(&format!("{lesson} ")));
        let row = row.unwrap_or_else(|| panic!("no row for {lesson}: {output:#?}"));
        assert!(row.ends_with(" s"), "{row}");
        assert_eq!(row.contains(" ok "), runs_here(&lesson), "{output:#?}");
    }
    assert_eq!(
        output.status.success(),
        lessons().iter().all(|lesson| runs_here(lesson)),
        "{output:#?}"
    );
    assert!(output.stdout.contains("\nport 3000    taken: "), "{output:#?}");
    let last = output.stdout.lines().last().unwrap_or_default();
    assert!(last.ends_with('.') && last.contains("port 3000"), "{last}");
    assert_eq!(output.stderr, "", "not quiet");
    assert_fits_80_columns("rehearse", &output.stdout);
    run.assert_nothing_left(SOON);
}

#[test]
fn it_fails_where_a_lesson_fails_and_names_it() {
    let nowhere = root().join("lessons"); // a folder without programs
    let run = Run::of(Command::new(RUNNER).arg("rehearse").env("PATH", nowhere));
    let output = run.finish(AMPLE);
    assert_eq!(output.status.code(), Some(1), "{output:#?}");
    assert!(output.stdout.contains("Node         none: "), "{output:#?}");
    let lacking = lessons().into_iter().filter(|lesson| needs_node(lesson));
    for lesson in lacking {
        let row = output.stdout.lines().skip_while(|line| !line.starts_with(&lesson));
        let words: Vec<&str> = row.take(2).flat_map(str::split_whitespace).collect();
        assert_eq!(words[1], "failed", "{output:#?}");
        assert!(words.contains(&"Node"), "{output:#?}");
        assert!(output.stdout.contains(&format!("{lesson} does not")), "{output:#?}");
    }
}
