//! The worker's side, by hand.

use std::io::{self, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use narrator::Outcome;
use os_pipe::{PipeReader, PipeWriter};

use super::frames;
use crate::{Result, lost};

pub(super) fn work(
    name: &str,
    mut from: PipeReader,
    mut to: PipeWriter,
    socket: UnixStream,
) -> Outcome {
    let mut questions = Vec::new();
    let mut numbers = 0;
    frames::write(&mut to, b'O', "")?; // online
    while let Some((kind, text)) = frames::read(&mut from)? {
        match kind {
            b'S' => frames::write(&mut to, b'H', &text)?,
            b'M' => questions.push(text),
            b'G' => {
                let mut stream = TcpStream::from(frames::receive(&socket)?);
                write!(stream, "hello from {name}")?;
                drop(stream); // so that the visitor sees the end
                frames::write(&mut to, b'G', "")?;
            }
            b'C' => frames::write(&mut to, b'C', &text.len().to_string())?,
            b'N' => {
                frames::write(&mut to, b'N', "")?;
                // It hears nothing but this, or the end of the primary.
                io::copy(&mut &socket, &mut io::sink())?;
            }
            b'#' => numbers += 1,
            b'L' => frames::write(&mut to, b'R', &numbers.to_string())?,
            _ => break, // asked to leave
        }
        if let [first, second] = &questions[..] {
            for question in [second, first] {
                frames::write(&mut to, b'P', &multiply(question)?)?;
            }
            questions.clear();
        }
    }
    Ok(())
}

/// Answers `1: 6 times 7` with `1: 42`.
fn multiply(question: &str) -> Result<String> {
    let words: Vec<&str> = question.split([':', ' ']).collect();
    let [number, "", a, "times", b] = words[..] else { return lost() };
    Ok(format!("{number}: {}", a.parse::<u64>()? * b.parse::<u64>()?))
}
