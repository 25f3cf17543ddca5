//! The server's side, for workers that read HTTP from a connection that they were given.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use crate::request::{self, Request};

/// How long a write to somebody who does not read may take.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);
/// How long, and how much, a refused request is still listened to.
const LINGER: Duration = Duration::from_millis(100);
const MOST_LINGERING: usize = 256 * 1024;

/// A connection that a worker serves: reads requests, writes responses.
#[derive(Debug)]
pub struct Guest {
    stream: TcpStream,
    /// What came and is not part of a request yet.
    bytes: Vec<u8>,
    /// Only the head of the next response is wanted (`HEAD`).
    head_only: bool,
}

/// Why a request is not served.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// It began and did not come to its end in time: 408.
    TooSlow,
    /// Its head is longer than [`MAX_REQUEST_HEAD`](crate::MAX_REQUEST_HEAD): 431.
    HeadTooLong,
    /// Its body is longer than [`MAX_REQUEST_BODY`](crate::MAX_REQUEST_BODY): 413.
    BodyTooLong,
    /// It does not say how long its body is: 411.
    LengthMissing,
    /// It is not HTTP; why: 400.
    NotHttp(String),
    /// Whoever asked is gone; nobody is left to hear why.
    Gone,
}

/// What a worker answers.
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: String,
    body: Vec<u8>,
    close: bool,
}

impl Guest {
    /// A guest on this connection, which must be in blocking mode.
    pub fn new(stream: TcpStream) -> Guest {
        Guest { stream, bytes: Vec::new(), head_only: false }
    }

    /// Whether the guest has begun a request that is not answered yet: it, or a part of it, has been read.
    pub fn has_begun(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Reads once what the guest sends, and says whether it has begun a request; `false`: it has left.
    ///
    /// For a worker that waits for other things, too: poll(2) the guest beside them, then hear it. If nothing has come, this waits.
    ///
    /// # Errors
    /// What ended the connection.
    pub fn hear(&mut self) -> io::Result<bool> {
        let mut block = [0; 4096];
        self.stream.set_read_timeout(None)?; // `next_request` may have left one
        let length = loop {
            match self.stream.read(&mut block) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {} // by a signal
                length => break length?,
            }
        };
        self.bytes.extend_from_slice(&block[..length]);
        Ok(self.has_begun())
    }

    /// Waits for the next request. `None`: the guest has left, or said nothing for that long; close the connection.
    ///
    /// # Errors
    /// Why the request cannot be served; [`refuse`](Guest::refuse) says so to the guest.
    pub fn next_request(&mut self, patience: Duration) -> Result<Option<Request>, Refusal> {
        let deadline = Instant::now() + patience;
        let mut block = [0; 4096];
        loop {
            if let Some(request) = request::take(&mut self.bytes)? {
                self.head_only = request.method == "HEAD";
                return Ok(Some(request));
            }
            let begun = self.has_begun();
            match read_before(&mut self.stream, &mut block, deadline) {
                Ok(0) if begun => return Err(Refusal::Gone),
                Ok(0) => return Ok(None),
                Ok(length) => self.bytes.extend_from_slice(&block[..length]),
                Err(error) if is_late(&error) && begun => return Err(Refusal::TooSlow),
                Err(error) if is_late(&error) => return Ok(None),
                Err(_) => return Err(Refusal::Gone),
            }
        }
    }

    /// Writes a response.
    ///
    /// # Errors
    /// When nobody takes it.
    pub fn answer(&mut self, response: &Response) -> io::Result<()> {
        self.stream.set_write_timeout(Some(WRITE_PATIENCE))?;
        self.stream.write_all(&response.bytes(self.head_only)) // one write: head and body in one packet
    }

    /// Says why, and closes.
    ///
    /// What the guest still sends is read for a moment: a connection that is closed with unread bytes in it is reset, and a reset
    /// can overtake the response.
    pub fn refuse(mut self, refusal: &Refusal) {
        let Some(response) = refusal.response() else { return };
        self.head_only = false;
        let deadline = Instant::now() + LINGER;
        // If it cannot be said, nobody is there to whom it matters.
        let _ = self.answer(&response).and_then(|()| self.stream.shutdown(Shutdown::Write));
        let (mut block, mut read) = ([0; 4096], 0);
        while let Ok(length @ 1..) = read_before(&mut self.stream, &mut block, deadline) {
            read += length;
            if read > MOST_LINGERING {
                return;
            }
        }
    }
}

/// Readable when the guest has sent something, or has left.
impl AsFd for Guest {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn read_before(stream: &mut TcpStream, block: &mut [u8], deadline: Instant) -> io::Result<usize> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(block) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

impl Refusal {
    fn response(&self) -> Option<Response> {
        let status = match self {
            Refusal::TooSlow => 408,
            Refusal::HeadTooLong => 431,
            Refusal::BodyTooLong => 413,
            Refusal::LengthMissing => 411,
            Refusal::NotHttp(_) => 400,
            Refusal::Gone => return None,
        };
        Some(Response::text(status, format!("{self}\n")).close())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::TooSlow => write!(f, "the request did not come in time"),
            Refusal::HeadTooLong => write!(f, "the head of the request is too long"),
            Refusal::BodyTooLong => write!(f, "the body of the request is too long"),
            Refusal::LengthMissing => write!(f, "the request does not say its length"),
            Refusal::NotHttp(why) => write!(f, "not HTTP: {why}"),
            Refusal::Gone => write!(f, "whoever asked is gone"),
        }
    }
}

impl std::error::Error for Refusal {}

impl Response {
    /// A response of plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Response {
        let headers = "Content-Type: text/plain; charset=utf-8\r\n".to_owned();
        Response { status, headers, body: body.into().into_bytes(), close: false }
    }

    /// The same with one more header. What would end its line becomes a space.
    pub fn header(mut self, name: &str, value: impl fmt::Display) -> Response {
        let line = format!("{name}: {value}").replace(|c: char| c.is_control(), " ");
        self.headers.push_str(&line);
        self.headers.push_str("\r\n");
        self
    }

    /// The same, which says that the connection ends after it. Closing it is up to the worker.
    pub fn close(self) -> Response {
        Response { close: true, ..self }
    }

    fn bytes(&self, head_only: bool) -> Vec<u8> {
        let Response { status, headers, body, close } = self;
        let reason = reason(*status);
        let (length, connection) = (body.len(), if *close { "close" } else { "keep-alive" });
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\n{headers}Content-Length: {length}\r\nConnection: {connection}\r\n\r\n"
        );
        let mut bytes = head.into_bytes();
        if !head_only {
            bytes.extend_from_slice(body);
        }
        bytes
    }
}

/// The words for a status; they may be missing.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_says_its_length_and_whether_more_may_be_asked() {
        let response = Response::text(200, "worker 2\n").header("X-Worker", 2);
        let text = String::from_utf8(response.bytes(false)).unwrap();
        assert_eq!(
            text,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nX-Worker: 2\r\n\
             Content-Length: 9\r\nConnection: keep-alive\r\n\r\nworker 2\n"
        );
        let text = String::from_utf8(response.close().bytes(true)).unwrap();
        assert!(text.ends_with("Content-Length: 9\r\nConnection: close\r\n\r\n"), "{text}");
    }

    #[test]
    fn no_second_header_hides_in_a_value() {
        let response = Response::text(200, "").header("X", "a\r\nY: b");
        assert!(response.headers.ends_with("X: a  Y: b\r\n"), "{}", response.headers);
    }
}
