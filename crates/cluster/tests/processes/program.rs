//! A primary under test as seen from outside: its output, its end, and signals to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use cluster::Signal;

use crate::harness::{DEADLINE, Test};

/// A primary under test, and all that it starts.
pub struct Program {
    pub child: Child,
    /// Closed when nobody holds its stdout any more: it and all its workers are gone.
    lines: Receiver<String>,
    stderr: Receiver<Vec<u8>>,
}

impl Program {
    pub fn start(test: &Test, mut command: Command) -> Program {
        let mut child = command
            .env("CLUSTER_TEST", test.name)
            .envs(test.policy.map(|policy| ("NODE_CLUSTER_SCHED_POLICY", policy)))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            stdout.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        let mut stderr = child.stderr.take().unwrap();
        let (sender, errors) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut buffer) {
                let _ = sender.send(buffer[..count].to_vec());
            }
        });
        Program { child, lines, stderr: errors }
    }

    /// The next line of its output.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let line = self.lines.recv_timeout(DEADLINE);
        line.unwrap_or_else(|_| panic!("no line; {}", self.last_words()))
    }

    /// The next line of its output, if it has come.
    // Not every target with this file looks for one.
    #[allow(dead_code)]
    pub fn line_if_there(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    #[track_caller]
    pub fn says(&mut self, expected: &str) {
        assert_eq!(self.line(), expected);
    }

    pub fn is_told(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub fn is_sent(&self, signal: Signal) {
        send_signal(self.pid(), signal);
    }

    /// What Ctrl-C in a terminal does.
    pub fn and_its_group_are_sent(&self, signal: Signal) {
        send_signal(-self.pid(), signal);
    }

    #[track_caller]
    pub fn succeeds(&mut self) {
        let status = self.ends();
        assert!(status.success(), "{status}; {}", self.last_words());
    }

    /// How it ends.
    #[track_caller]
    pub fn ends(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "does not end; {}", self.last_words());
            thread::sleep(Duration::from_millis(5)); // a poll, bounded by the deadline
        }
    }

    /// Waits until it and all its workers are gone: nobody holds its stdout.
    #[track_caller]
    pub fn and_all_it_started_are_gone_within(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("still there; {}", self.last_words()),
            }
        }
    }

    /// Ends it, to hear what it had to say.
    fn last_words(&mut self) -> String {
        self.and_its_group_are_sent(Signal::SIGKILL);
        let stdout: Vec<_> = self.lines.try_iter().collect();
        // A worker of another group may be left, and hold it open.
        let wait = || self.stderr.recv_timeout(Duration::from_secs(2)).ok();
        let stderr: Vec<u8> = std::iter::from_fn(wait).flatten().collect();
        format!("stdout: {stdout:?}, stderr:\n{}", String::from_utf8_lossy(&stderr))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its workers may outlive it, and keep the number of the group as long as they do.
        self.and_its_group_are_sent(Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// A signal to a process, or to a group, which is a negative number. It may be gone.
pub fn send_signal(pid: i32, signal: Signal) {
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
}
