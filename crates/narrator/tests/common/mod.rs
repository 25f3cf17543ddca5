//! Starts the tale and reads what it prints, with a deadline instead of a hang.
#![allow(dead_code)] // each test file uses its own part of this

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::pty::{Winsize, openpty};

/// Only a broken program takes this long; a working one never waits for it.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A pause that no test outlives.
pub const FOR_EVER: &str = "3600s";

/// The tale with these arguments, without colour settings from outside.
pub fn tale(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tale"));
    command.args(arguments).env("TERM", "xterm").stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "CI"] {
        command.env_remove(name);
    }
    command
}

/// A child that is killed when the test ends, however it ends.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> Running {
        Running(command.spawn().expect("the tale starts"))
    }

    pub fn lines_of_stdout(&mut self) -> Lines {
        Lines::of(self.0.stdout.take().expect("stdout is a pipe"))
    }

    pub fn lines_of_stderr(&mut self) -> Lines {
        Lines::of(self.0.stderr.take().expect("stderr is a pipe"))
    }

    /// Waits for the end; ends the test if there is none.
    pub fn status(&mut self) -> ExitStatus {
        let pid = self.0.id();
        let (ended, watch) = mpsc::channel::<()>();
        let watchdog = thread::spawn(move || {
            if watch.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout) {
                eprintln!("the tale {pid} does not end");
                std::process::abort();
            }
        });
        let status = self.0.wait().expect("our own child");
        drop(ended);
        watchdog.join().expect("the watchdog only waits");
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lines that arrive, read by a thread of their own so that a missing one ends the test.
pub struct Lines(Receiver<String>);

impl Lines {
    pub fn of(source: impl Read + Send + 'static) -> Lines {
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Lines(lines)
    }

    /// The next line.
    pub fn next(&self) -> String {
        self.0.recv_timeout(DEADLINE).expect("another line")
    }

    /// Whether a line is there already.
    pub fn is_empty(&self) -> bool {
        self.0.try_recv().is_err()
    }

    /// All lines up to the end.
    pub fn rest(&self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.0.recv_timeout(DEADLINE) {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Disconnected) => return lines,
                Err(RecvTimeoutError::Timeout) => panic!("no end after {lines:?}"),
            }
        }
    }
}

/// A terminal: we hold the keyboard and the screen, the tale has the other side.
pub struct Terminal {
    pub slave: OwnedFd,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Terminal {
    pub fn new(columns: u16) -> Terminal {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).expect("a pseudo-terminal");
        let keyboard = File::from(pty.master);
        let mut master = keyboard.try_clone().expect("another descriptor");
        let (sender, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = master.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal { slave: pty.slave, keyboard, screen, seen: Vec::new() }
    }

    pub fn side(&self) -> Stdio {
        self.slave.try_clone().expect("another descriptor").into()
    }

    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Everything on the screen from the beginning until `end` is its end.
    pub fn screen_until(&mut self, end: &str) -> String {
        while !self.seen.ends_with(end.as_bytes()) {
            let more = self.screen.recv_timeout(DEADLINE);
            let so_far = String::from_utf8_lossy(&self.seen);
            self.seen.extend(more.unwrap_or_else(|_| panic!("{end:?} never follows {so_far:?}")));
        }
        String::from_utf8_lossy(&self.seen).into_owned()
    }
}
