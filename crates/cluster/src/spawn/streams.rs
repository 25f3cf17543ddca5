//! Where a worker's standard streams go.

use std::io::{self, PipeReader, PipeWriter};
use std::process;

use crate::settings::{Settings, Stdio};

/// Where one of the worker's standard streams goes.
pub(super) enum Stream {
    Inherit,
    Null,
    Pipe(PipeWriter),
}

/// All three of them, and the primary's ends of those that it reads.
pub(super) struct Streams {
    pub workers: [Stream; 3],
    pub stdout: Option<PipeReader>,
    pub stderr: Option<PipeReader>,
}

impl Streams {
    pub(super) fn new(settings: &Settings) -> io::Result<Streams> {
        let stdin = match settings.stdin {
            None | Some(Stdio::Inherit) => Stream::Inherit,
            Some(Stdio::Null | Stdio::Lines) => Stream::Null,
        };
        let (stdout, workers_stdout) = pipe(settings.stdout)?;
        let (stderr, workers_stderr) = pipe(settings.stderr)?;
        Ok(Streams { workers: [stdin, workers_stdout, workers_stderr], stdout, stderr })
    }
}

impl From<Stream> for process::Stdio {
    fn from(stream: Stream) -> process::Stdio {
        match stream {
            Stream::Inherit => process::Stdio::inherit(),
            Stream::Null => process::Stdio::null(),
            Stream::Pipe(pipe) => pipe.into(),
        }
    }
}

fn pipe(stdio: Option<Stdio>) -> io::Result<(Option<PipeReader>, Stream)> {
    Ok(match stdio {
        None | Some(Stdio::Inherit) => (None, Stream::Inherit),
        Some(Stdio::Null) => (None, Stream::Null),
        Some(Stdio::Lines) => {
            let (reader, writer) = io::pipe()?;
            rustix::io::ioctl_fionbio(&reader, true)?;
            (Some(reader), Stream::Pipe(writer))
        }
    })
}
