//! A visitor's connection, which ends with the visitor's patience.
//!
//! A lesson that needs a visitor in a certain phase drives one by hand: half a request now, the rest later.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::answer::Decoder;
use crate::{Answer, Trouble};

/// A visitor's connection; see [`Visitor::connect`](crate::Visitor::connect).
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    decoder: Decoder,
    deadline: Instant,
}

impl Connection {
    pub(crate) fn open(to: SocketAddr, deadline: Instant) -> Result<Connection, Trouble> {
        let stream = TcpStream::connect_timeout(&to, time_left(deadline)?)?;
        stream.set_nodelay(true)?; // a byte that is sent alone shall go out alone
        Ok(Connection { stream, decoder: Decoder::default(), deadline })
    }

    /// From now on the patience lasts until then.
    pub(crate) fn extend(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// Sends all of it, and hears the answer.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<Answer, Trouble> {
        let sent = self.send(request);
        self.hear_after(sent)
    }

    /// Sends it byte by byte. Stops when the server has answered already.
    pub(crate) fn ask_slowly(
        &mut self,
        request: &[u8],
        pause: Duration,
    ) -> Result<Answer, Trouble> {
        for byte in request.chunks(1) {
            let sent = self.send(byte);
            if sent.is_err() || self.hears_something_within(pause)? {
                return self.hear_after(sent);
            }
        }
        self.hear()
    }

    /// Waits for the pause, or until the server says something; whether it does.
    pub(crate) fn hears_something_within(&mut self, pause: Duration) -> Result<bool, Trouble> {
        let end = Instant::now() + pause.min(time_left(self.deadline)?);
        loop {
            // No system call waits for zero.
            let left = end.saturating_duration_since(Instant::now()).max(Duration::from_micros(1));
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.peek(&mut [0]) {
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return time_left(self.deadline).map(|_| false);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {} // by a signal
                _ => return Ok(true), // also its end, or an error: whoever reads finds out
            }
        }
    }

    /// Sends these bytes: a request, or a part of one.
    ///
    /// # Errors
    /// What kept them from going out.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.stream.set_write_timeout(Some(time_left(self.deadline)?))?;
        Ok(self.stream.write_all(bytes)?)
    }

    /// A server may answer and hang up before it has the whole request. Its answer counts more than our failure.
    pub(crate) fn hear_after(&mut self, sent: Result<(), Trouble>) -> Result<Answer, Trouble> {
        let heard = self.hear();
        match sent {
            Err(trouble) if heard.is_err() => Err(trouble),
            _ => heard,
        }
    }

    /// Waits for a whole answer.
    ///
    /// # Errors
    /// What came instead; [`Trouble::ClosedEarly`] also when nothing was asked and the server hangs up.
    pub fn hear(&mut self) -> Result<Answer, Trouble> {
        let mut block = [0; 4096];
        loop {
            if let Some(answer) = self.decoder.next()? {
                return Ok(answer);
            }
            self.stream.set_read_timeout(Some(time_left(self.deadline)?))?;
            match self.stream.read(&mut block) {
                Ok(0) => return self.decoder.end(),
                Ok(length) => self.decoder.feed(&block[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn time_left(deadline: Instant) -> Result<Duration, Trouble> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Trouble::TimedOut) } else { Ok(left) }
}
