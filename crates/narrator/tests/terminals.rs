//! A story told on a terminal.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Stdio;

use common::{Running, Terminal, tale};
use nix::sys::termios::tcgetattr;

const HINT: &str = "(Enter goes on, Ctrl-C ends)\r\n";

/// A tale whose keyboard and screen are this terminal.
fn start(terminal: &Terminal, arguments: &[&str]) -> Running {
    let mut command = tale(arguments);
    Running::start(command.stdin(terminal.side()).stdout(terminal.side()).stderr(terminal.side()))
}

/// A tale whose "all told" does not come in between.
fn start_without_stderr(terminal: &Terminal, arguments: &[&str]) -> Running {
    let mut command = tale(arguments);
    Running::start(command.stdin(terminal.side()).stdout(terminal.side()).stderr(Stdio::null()))
}

#[test]
fn a_terminal_shows_the_actor_in_colour_and_nothing_else() {
    let mut terminal = Terminal::new(80);
    let mut child = start_without_stderr(&terminal, &["--sentences", "2"]);
    assert!(child.status().success());
    assert_eq!(
        terminal.screen_until("hi there 1\r\n"),
        "\x1b[36mworker 1\x1b[0m  says: hi there 0\r\n\
         \x1b[35mworker 2\x1b[0m  says: hi there 1\r\n"
    );
}

#[test]
fn no_color_and_a_dumb_terminal_are_respected() {
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let mut terminal = Terminal::new(80);
        let mut command = tale(&["--sentences", "1"]);
        command.env(name, value).stdout(terminal.side()).stderr(Stdio::null());
        let mut child = Running::start(&mut command);
        assert!(child.status().success());
        assert_eq!(terminal.screen_until("\n"), "worker 1  says: hi there 0\r\n");
    }
}

#[test]
fn a_narrow_terminal_wraps_earlier_and_a_wide_one_does_not_wrap_later() {
    for (columns, widest) in [(40, 40), (200, 80)] {
        let mut terminal = Terminal::new(columns);
        let object = "word ".repeat(30);
        let arguments = ["--sentences", "1", "--object", &object];
        let mut command = tale(&arguments);
        command.env("NO_COLOR", "1").stdout(terminal.side()).stderr(Stdio::null());
        let mut child = Running::start(&mut command);
        assert!(child.status().success());
        let screen = terminal.screen_until("0\r\n");
        let longest = screen.lines().map(|line| line.len()).max().unwrap();
        assert!(longest <= widest && longest > widest - 5, "{screen}");
    }
}

#[test]
fn enter_itself_ends_the_line_of_a_step() {
    for way in [&[][..], &["--by-hand"]] {
        let mut terminal = Terminal::new(80);
        let arguments = [&["--step", "--sentences", "2"], way].concat();
        let mut child = start_without_stderr(&terminal, &arguments);
        terminal.screen_until("hi there 0");
        terminal.press("\n");
        terminal.screen_until("hi there 0\r\n\x1b[35mworker 2\x1b[0m  says: hi there 1");
        terminal.press("\n");
        terminal.screen_until("hi there 1\r\n");
        assert!(child.status().success());
    }
}

#[test]
fn the_hint_comes_once_and_first() {
    let mut terminal = Terminal::new(80);
    let mut child = start(&terminal, &["--step", "--by-hand", "--sentences", "2"]);
    let screen = terminal.screen_until("hi there 0");
    assert_eq!(screen, format!("{HINT}\x1b[36mworker 1\x1b[0m  says: hi there 0"));
    terminal.press("\n");
    terminal.screen_until("hi there 1");
    terminal.press("\n");
    let screen = terminal.screen_until("all told\r\n");
    assert_eq!(screen.matches("Enter goes on").count(), 1);
    assert!(child.status().success());
}

#[test]
fn an_enter_typed_ahead_leaves_no_two_sentences_on_a_line() {
    let mut terminal = Terminal::new(80);
    terminal.press("\n\n");
    terminal.screen_until("\r\n\r\n"); // echoed before the tale begins
    let mut child = start_without_stderr(&terminal, &["--step", "--sentences", "3"]);
    let screen = terminal.screen_until("hi there 2");
    assert_eq!(
        screen,
        "\r\n\r\n\x1b[36mworker 1\x1b[0m  says: hi there 0\r\n\
         \x1b[35mworker 2\x1b[0m  says: hi there 1\r\n\
         \x1b[32mworker 3\x1b[0m  says: hi there 2"
    );
    terminal.press("\n");
    assert!(child.status().success());
}

#[test]
fn ctrl_d_tells_the_rest() {
    let mut terminal = Terminal::new(80);
    let mut child = start_without_stderr(&terminal, &["--step", "--sentences", "3"]);
    terminal.screen_until("hi there 0");
    terminal.press("\x04");
    let screen = terminal.screen_until("hi there 2\r\n");
    assert!(screen.contains("hi there 0\r\n\x1b[35mworker 2"), "{screen:?}");
    assert!(child.status().success());
}

#[test]
fn steps_into_a_pipe_end_their_lines_themselves() {
    let mut terminal = Terminal::new(80);
    let mut command = tale(&["--step", "--sentences", "2"]);
    command.stdin(terminal.side()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Running::start(&mut command);
    let stdout = child.lines_of_stdout();
    assert_eq!(stdout.next(), "worker 1  says: hi there 0");
    assert!(stdout.is_empty());
    terminal.press("\n");
    assert_eq!(stdout.next(), "worker 2  says: hi there 1");
    terminal.press("\n");
    assert!(child.status().success());
}

#[test]
fn a_killed_story_leaves_the_terminal_as_it_was() {
    let mut terminal = Terminal::new(80);
    let before = tcgetattr(&terminal.slave).unwrap();
    let mut child = start_without_stderr(&terminal, &["--step"]);
    terminal.screen_until("hi there 0");
    assert_eq!(tcgetattr(&terminal.slave).unwrap(), before, "while it waits");
    child.0.kill().unwrap();
    assert!(!child.status().success());
    assert_eq!(tcgetattr(&terminal.slave).unwrap(), before);
}
