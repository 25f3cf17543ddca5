//! A program as a person types it, and what it says.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use super::{IN_TIME, Run, between_rulers};

/// Within this time, nothing of a run may be left.
pub const SOON: Duration = Duration::from_secs(1);

/// Starts a program with these words behind its name.
pub fn typed(program: impl AsRef<Path>, words: &str) -> Run {
    Run::start(program, &words.split_whitespace().collect::<Vec<_>>())
}

/// The lines that a program prints. It ends well and quietly, and leaves nothing behind.
pub fn told(program: impl AsRef<Path>, words: &str) -> Vec<String> {
    let run = typed(program, words);
    let output = run.finish(IN_TIME);
    assert!(output.status.success(), "{words}: {output:#?}");
    assert_eq!(output.stderr, "", "{words} complains");
    run.assert_nothing_left(SOON);
    output.stdout.lines().map(str::to_owned).collect()
}

/// How many lines hold this.
pub fn count(story: &[String], part: &str) -> usize {
    story.iter().filter(|line| line.contains(part)).count()
}

/// The address that a server says it serves, once it does.
pub fn served_address(run: &Run) -> String {
    let line = run.wait_for_line("serves http://", IN_TIME);
    url(&line).expect("an address")
}

/// The address in the line in which a server says that it serves.
pub fn url(line: &str) -> Option<String> {
    line.split("serves http://").nth(1)?.split('/').next().map(str::to_owned)
}

/// Asserts that a server whose port is taken says so in two lines, which name the way out.
pub fn assert_tells_that_a_port_is_taken(program: impl AsRef<Path>, words: &str) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let run = typed(program, &format!("--stay --port {port} {words}"));
    let output = run.finish(IN_TIME);
    assert_eq!(output.status.code(), Some(1), "{output:#?}");
    let expected = format!(
        "error: cannot listen on 127.0.0.1:{port}: address already in use\n\
         help: End what listens there, or take any free port: --port 0\n"
    );
    assert_eq!((&*output.stdout, &*output.stderr), ("", &*expected));
    run.assert_nothing_left(SOON);
}

/// Asserts that every line fits a terminal of 80 columns.
pub fn assert_fits_80_columns(what: &str, text: &str) {
    for line in text.lines() {
        let columns = line.chars().count();
        assert!(
            columns <= 80,
            "{what} has a line of {columns} columns\n{}",
            between_rulers("at most 80 columns", line)
        );
    }
}
