//! `--stay` on a terminal: single keys, and the terminal as it was.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

const IN_TIME: Duration = Duration::from_secs(20);

/// The server on a terminal of its own.
struct Terminal {
    child: Child,
    slave: OwnedFd,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    fn start() -> Terminal {
        let pty = openpty(None, None).expect("a terminal");
        let side = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
        let child = Command::new(env!("CARGO_BIN_EXE_http-server"))
            .args(["--stay", "--port", "0", "--workers", "2"])
            .env("NO_COLOR", "1")
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .process_group(0)
            .spawn()
            .expect("it starts");
        let mut reader =
            File::from(pty.master.try_clone().expect("a descriptor"));
        let (tell, screen) = channel();
        thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut block) {
                if tell.send(block[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keyboard = File::from(pty.master);
        let shown = String::new();
        let mut terminal =
            Terminal { child, slave: pty.slave, keyboard, screen, shown };
        terminal.wait_for("? for keys");
        assert!(!terminal.collects_lines(), "single keys");
        terminal
    }

    /// Waits until the screen shows this, below what was waited for before.
    fn wait_for(&mut self, text: &str) {
        let until = Instant::now() + IN_TIME;
        loop {
            if let Some(at) = self.shown.find(text) {
                self.shown.drain(..at + text.len());
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.screen.recv_timeout(left) else {
                panic!("no `{text}` in {:?}", self.shown)
            };
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    fn press(&mut self, key: char) {
        write!(self.keyboard, "{key}").expect("somebody types");
    }

    fn collects_lines(&self) -> bool {
        let mode = tcgetattr(&self.slave).expect("a terminal").local_flags;
        mode.contains(LocalFlags::ICANON | LocalFlags::ECHO)
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().expect("a pid"));
        kill(pid, signal).expect("it is our child");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill(); // its workers follow
        let _ = self.child.wait();
    }
}

#[test]
fn every_key_does_what_the_help_says() {
    let mut terminal = Terminal::start();
    for (key, shown) in [
        ('?', "kill that worker"),
        ('r', "is served by"),
        ('+', "worker 3  listens"),
        ('1', "primary   kills worker 1"),
        (' ', "worker 4  listens"),
        ('f', "primary   freezes worker 2"),
        ('f', "primary   thaws worker 2"),
        ('-', "removes worker 4"),
        (' ', "worker 4  exits 0, as asked"),
        ('9', "primary   has 2 workers"),
        ('f', "primary   freezes worker 2"),
        ('q', "primary   stops"),
    ] {
        terminal.press(key);
        terminal.wait_for(shown);
    }
    let status = terminal.child.wait().expect("it ends");
    assert!(status.success(), "{status}: also with a frozen worker");
    assert!(terminal.collects_lines(), "as it was");
}

#[test]
fn the_terminal_is_as_it_was_whatever_ends_the_server() {
    for (signal, code) in [
        (Signal::SIGTERM, Some(0)),
        (Signal::SIGINT, Some(0)),
        (Signal::SIGHUP, Some(0)),
        (Signal::SIGQUIT, None),
    ] {
        let mut terminal = Terminal::start();
        terminal.signal(signal);
        let status = terminal.child.wait().expect("it ends");
        assert_eq!(status.code(), code, "{signal}");
        assert!(terminal.collects_lines(), "{signal}");
    }
    let mut terminal = Terminal::start();
    terminal.press('\u{3}'); // no terminal of a session: Ctrl-C is a key here
    terminal.press('q');
    assert!(terminal.child.wait().expect("it ends").success());
}

#[test]
fn a_terminal_that_is_stopped_does_not_hold_up_the_end() {
    for signals in [&[Signal::SIGTERM][..], &[Signal::SIGTERM, Signal::SIGINT]]
    {
        let mut terminal = Terminal::start();
        terminal.press('\u{13}'); // Ctrl-S: nothing is shown any more
        terminal.press('f'); // and this, too, waits to be shown
        for signal in signals {
            terminal.signal(*signal);
        }
        let until = Instant::now() + IN_TIME;
        while terminal.child.try_wait().expect("our child").is_none() {
            assert!(Instant::now() < until, "{signals:?}: it does not end");
            thread::sleep(Duration::from_millis(10)); // looks again
        }
        assert!(terminal.collects_lines(), "{signals:?}: as it was");
    }
}
