//! The server under test: `--stay --port 0`.

// Each test target uses a part of this.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use visitors::Visitor;

use crate::support::{IN_TIME, Run, SOON, served_address};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_http-server");

pub struct Server {
    pub run: Run,
    pub visitor: Visitor,
}

impl Server {
    pub fn start(flags: &str) -> Server {
        let mut command = Command::new(PROGRAM);
        command.args(["--stay", "--port", "0"]);
        Server::of(command.args(flags.split_whitespace()))
    }

    pub fn of(command: &mut Command) -> Server {
        let run = Run::of(command);
        let address = served_address(&run);
        let visitor = Visitor::new(address).expect("on this machine");
        Server { run, visitor: visitor.with_patience(IN_TIME) }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.visitor.address());
        let stream = stream.expect("somebody listens");
        stream.set_read_timeout(Some(IN_TIME)).expect("a timeout");
        stream
    }

    /// What comes back for these bytes, until the first pause after an answer.
    pub fn says(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        // It may answer, and hang up, before it has all of it.
        let _ = stream.write_all(request);
        let mut block = [0; 4096];
        let length = stream.read(&mut block).unwrap_or(0);
        String::from_utf8_lossy(&block[..length]).into_owned()
    }

    pub fn status(&self) -> Value {
        let seen = self.visitor.visit("/status");
        let text = seen.result.expect("it is answered").text();
        serde_json::from_str(&text).expect("JSON")
    }

    /// The status, once so many listen, after so many restarts.
    pub fn wait_until_all_are_back(
        &self,
        count: usize,
        restarts: u64,
    ) -> Value {
        let until = Instant::now() + IN_TIME;
        loop {
            let seen = self.visitor.visit("/status");
            let text = seen.result.map(|it| it.text()).unwrap_or_default();
            let status: Value = serde_json::from_str(&text).unwrap_or_default();
            let workers = status["workers"].as_array();
            let listen = workers.map_or(0, |workers| {
                workers.iter().filter(|it| it["state"] == "listening").count()
            });
            if listen == count && status["restarts"] == restarts {
                return status;
            }
            assert!(Instant::now() < until, "{count} did not come: {text}");
            // Nothing to wait on.
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the workers have taken so many requests, besides our own.
    pub fn wait_until_taken(&self, count: u64) {
        let until = Instant::now() + IN_TIME;
        for asked in 1.. {
            let status = self.status();
            let workers = status["workers"].as_array().expect("an array");
            let requests =
                workers.iter().filter_map(|it| it["requests"].as_u64());
            if requests.sum::<u64>() >= count + asked {
                return;
            }
            assert!(Instant::now() < until, "{status}");
        }
    }

    pub fn stop(&self) {
        self.run.signal(Signal::SIGTERM);
        self.is_gone();
    }

    pub fn is_gone(&self) {
        let output = self.run.finish(IN_TIME);
        assert!(output.status.success(), "{output:#?}");
        assert_eq!(output.stderr, "");
        self.run.assert_nothing_left(SOON);
    }
}
