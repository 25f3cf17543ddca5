//! The record: each sentence as one JSON object on a line of its own.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::failure::Failure;
use crate::sentence::Sentence;

/// An open record file.
#[derive(Debug)]
pub(crate) struct Record {
    file: File,
    path: PathBuf,
    begun: Instant,
    count: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    number: u64,
    time_ms: f64,
    actor: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    verb: &'a str,
    object: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    aside: bool,
}

impl Record {
    /// Creates the file, or empties it if it is there.
    pub(crate) fn create(path: &Path) -> Result<Record, Failure> {
        let file = open_empty(path).map_err(|error| {
            Failure::new(
                format!("cannot record to {}: {error}", path.display()),
                "name a file in a directory where you may write: --record /tmp/story.jsonl",
            )
        })?;
        Ok(Record { file, path: path.to_owned(), begun: Instant::now(), count: 0 })
    }

    /// Writes a sentence down, now.
    pub(crate) fn write(&mut self, sentence: &Sentence) -> io::Result<()> {
        self.count += 1;
        let line = line(self.count, self.begun.elapsed(), sentence)?;
        // No buffer: whatever ends the program, what was told is in the file.
        self.file.write_all(line.as_bytes())
    }

    /// The file's name, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn open_empty(path: &Path) -> io::Result<File> {
    // Append: a process forked by hand writes to the same file without overwriting its parent.
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    if file.metadata()?.is_file() {
        file.set_len(0)?; // a pipe or a device has no length to set
    }
    Ok(file)
}

fn line(number: u64, time: Duration, sentence: &Sentence) -> io::Result<String> {
    let Sentence { actor, pid, verb, object, to, aside } = sentence;
    // Microseconds, shown as milliseconds: nobody needs sixteen digits.
    let time_ms = (time.as_secs_f64() * 1e6).round() / 1e3;
    let (pid, to, aside) = (*pid, to.as_deref(), *aside);
    let line = Line { number, time_ms, actor, pid, verb, object, to, aside };
    let mut line = serde_json::to_string(&line)?;
    line.push('\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(pid: Option<u32>, object: &str) -> Sentence {
        Sentence {
            actor: "worker 1".into(),
            pid,
            verb: "says:".into(),
            object: object.into(),
            to: None,
            aside: false,
        }
    }

    #[test]
    fn a_line_holds_what_was_told_unaltered() {
        let told = sentence(None, "a \"b\"\n\x1b");
        let line = line(3, Duration::from_micros(1_234_567), &told).unwrap();
        assert_eq!(
            line,
            "{\"number\":3,\"time_ms\":1234.567,\"actor\":\"worker 1\",\"verb\":\"says:\",\
             \"object\":\"a \\\"b\\\"\\n\\u001b\"}\n"
        );
    }

    #[test]
    fn a_known_pid_is_written_down() {
        let line = line(1, Duration::ZERO, &sentence(Some(4711), "")).unwrap();
        assert!(line.contains("\"pid\":4711"), "{line}");
    }

    #[test]
    fn an_aside_is_marked() {
        let aside = Sentence { aside: true, ..sentence(None, "") };
        let line = line(1, Duration::ZERO, &aside).unwrap();
        assert!(line.contains("\"aside\":true"), "{line}");
    }

    #[test]
    fn a_file_that_cannot_be_created_is_named_with_what_to_do() {
        let failure = Record::create(Path::new("/no/such/directory/story")).unwrap_err();
        let text = format!("{failure:#}");
        assert!(text.contains("/no/such/directory/story"), "{text}");
        assert!(text.contains("--record"), "{text}");
    }
}
