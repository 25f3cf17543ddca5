//! A worker's stdout or stderr, line by line.

use std::io::{PipeReader, Read};

/// A line longer than this is told in pieces, so that a worker cannot fill the primary's memory.
const LONGEST: usize = 8 * 1024;

/// The primary's end of a worker's stdout or stderr.
#[derive(Debug)]
pub(crate) struct Output {
    pipe: PipeReader,
    unfinished: Vec<u8>,
}

impl Output {
    /// The pipe must be in non-blocking mode.
    pub(crate) fn new(pipe: PipeReader) -> Output {
        Output { pipe, unfinished: Vec::new() }
    }

    pub(crate) fn pipe(&self) -> &PipeReader {
        &self.pipe
    }

    /// Reads once; gives the whole lines, and whether the pipe is still open.
    pub(crate) fn read(&mut self) -> (Vec<String>, bool) {
        let mut bytes = [0; LONGEST];
        match self.pipe.read(&mut bytes) {
            Ok(0) => (self.rest().into_iter().collect(), false),
            Ok(count) => (self.split(&bytes[..count]), true),
            Err(_) => (Vec::new(), true), // nothing there
        }
    }

    /// What is there now, when the worker is gone. A program that the worker started may hold the
    /// pipe as well, and write without end: it is not waited for.
    pub(crate) fn what_is_there(mut self) -> Vec<String> {
        let there = rustix::io::ioctl_fionread(&self.pipe).unwrap_or(0);
        let mut lines = Vec::new();
        let mut bytes = [0; LONGEST];
        let mut left = usize::try_from(there).unwrap_or(0);
        while left > 0
            && let Ok(count @ 1..) = self.pipe.read(&mut bytes[..left.min(LONGEST)])
        {
            left -= count;
            lines.extend(self.split(&bytes[..count]));
        }
        lines.extend(self.rest());
        lines
    }

    fn split(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for &byte in bytes {
            if byte != b'\n' {
                self.unfinished.push(byte);
            }
            if byte == b'\n' || self.unfinished.len() >= LONGEST {
                lines.push(self.take());
            }
        }
        lines
    }

    fn rest(&mut self) -> Option<String> {
        (!self.unfinished.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let line = String::from_utf8_lossy(&self.unfinished).into_owned();
        self.unfinished.clear();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn lines_come_whole_and_an_unfinished_one_at_the_end() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut output = Output::new(reader);
        writer.write_all(b"one\ntw").unwrap();
        assert_eq!(output.read(), (vec!["one".into()], true));
        writer.write_all(b"o\n\nthree").unwrap();
        drop(writer);
        assert_eq!(output.read(), (vec!["two".into(), String::new()], true));
        assert_eq!(output.read(), (vec!["three".into()], false));
    }

    #[test]
    fn of_a_pipe_that_others_fill_without_end_only_what_is_there_is_read() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let output = Output::new(reader);
        writer.write_all(b"one\ntwo").unwrap();
        let begun = output.pipe().try_clone().unwrap();
        assert_eq!(output.what_is_there(), ["one", "two"]); // the writer is still there
        drop((begun, writer));
    }
}
