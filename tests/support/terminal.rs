//! A program that has a terminal as its standard error.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::pty::openpty;

/// Runs the program to its good end, and returns what the terminal showed.
pub fn on_a_terminal(program: impl AsRef<Path>, words: &str) -> String {
    let pty = openpty(None, None).expect("a pseudo-terminal");
    let mut child = Command::new(program.as_ref())
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
