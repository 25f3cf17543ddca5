//! Answers as plain data: bytes go in, in pieces of any size. Bodies are
//! counted, not kept, and the buffer is used again and again.

use httparse::{EMPTY_HEADER, Header, Response, Status};

/// The longest head, and the longest line of a chunk.
const MOST_HEAD: usize = 64 * 1024;

/// What matters of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `X-Worker`.
    pub(crate) worker: Option<u32>,
    pub(crate) keep_alive: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Body {
    Length(u64),
    /// The line that says how long the next chunk is.
    Size,
    Chunk(u64),
    /// Lines up to an empty one.
    Trailer,
    UntilClose,
}

/// What came is not HTTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Invalid;

#[derive(Debug, Default)]
pub(crate) struct Reader {
    bytes: Vec<u8>,
    /// So many of them are dealt with.
    start: usize,
    begun: Option<(Answer, Body)>,
}

impl Reader {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        (self.start, self.begun) = (0, None);
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether nothing of an answer has come.
    pub(crate) fn is_empty(&self) -> bool {
        self.begun.is_none() && self.start == self.bytes.len()
    }

    /// The next answer, if it is whole.
    pub(crate) fn next(&mut self) -> Result<Option<Answer>, Invalid> {
        loop {
            let (answer, body) = match self.begun {
                Some(begun) => begun,
                None => match self.head()? {
                    Some(head) => head,
                    None => return Ok(None),
                },
            };
            if answer.status < 200 {
                continue; // 100 Continue: the answer itself comes after it
            }
            self.begun = Some((answer, body));
            if !self.skip(body)? {
                return Ok(None);
            }
            if let Some((answer, _)) =
                self.begun.take_if(|it| it.1 == Body::Length(0))
            {
                return Ok(Some(answer));
            }
        }
    }

    /// The connection has ended: some answers end like that.
    pub(crate) fn end(&mut self) -> Option<Answer> {
        let begun = self.begun.take();
        begun.filter(|it| it.1 == Body::UntilClose).map(|it| it.0)
    }

    fn head(&mut self) -> Result<Option<(Answer, Body)>, Invalid> {
        let mut headers = [EMPTY_HEADER; 64];
        let mut response = Response::new(&mut headers);
        let rest = &self.bytes[self.start..];
        match response.parse(rest) {
            Ok(Status::Complete(length)) => {
                let head = understand(&response)?;
                self.start += length;
                Ok(Some(head))
            }
            Ok(Status::Partial) if rest.len() < MOST_HEAD => Ok(None),
            _ => Err(Invalid),
        }
    }

    /// Goes one step on in the body. `false`: more has to come first.
    fn skip(&mut self, body: Body) -> Result<bool, Invalid> {
        let there = (self.bytes.len() - self.start) as u64;
        let next = match body {
            Body::Length(left) => {
                let taken = left.min(there);
                self.start += taken as usize;
                self.now(Body::Length(left - taken));
                return Ok(taken == left);
            }
            Body::UntilClose => {
                self.start = self.bytes.len();
                return Ok(false);
            }
            Body::Chunk(left) => {
                let taken = left.min(there);
                self.start += taken as usize;
                self.now(Body::Chunk(left - taken));
                if taken < left {
                    return Ok(false);
                }
                Body::Size
            }
            Body::Size => {
                let Some(line) = self.line()? else { return Ok(false) };
                let digits = line.split(|byte| *byte == b';').next();
                let size = digits.and_then(|it| std::str::from_utf8(it).ok());
                let size = size.map(str::trim).ok_or(Invalid)?;
                match u64::from_str_radix(size, 16).map_err(|_| Invalid)? {
                    0 => Body::Trailer,
                    size => Body::Chunk(size.checked_add(2).ok_or(Invalid)?),
                }
            }
            Body::Trailer => match self.line()?.map(<[u8]>::is_empty) {
                Some(true) => Body::Length(0),
                Some(false) => Body::Trailer,
                None => return Ok(false),
            },
        };
        self.now(next);
        Ok(true)
    }

    fn now(&mut self, body: Body) {
        if let Some(begun) = &mut self.begun {
            begun.1 = body;
        }
    }

    /// A line without its end.
    fn line(&mut self) -> Result<Option<&[u8]>, Invalid> {
        let rest = &self.bytes[self.start..];
        match rest.windows(2).position(|pair| pair == b"\r\n") {
            Some(length) => {
                let start = self.start;
                self.start += length + 2;
                Ok(Some(&self.bytes[start..start + length]))
            }
            None if rest.len() < MOST_HEAD => Ok(None),
            None => Err(Invalid),
        }
    }
}

fn understand(response: &Response<'_, '_>) -> Result<(Answer, Body), Invalid> {
    let status = response.code.unwrap_or_default();
    let mut worker = None;
    let mut keep_alive = response.version == Some(1);
    let mut body = Body::UntilClose;
    for Header { name, value } in response.headers.iter() {
        let text = || std::str::from_utf8(value).ok().map(str::trim);
        if name.eq_ignore_ascii_case("content-length") {
            let length = text().and_then(|it| it.parse().ok());
            if body == Body::UntilClose {
                body = Body::Length(length.ok_or(Invalid)?);
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            let chunked =
                text().is_some_and(|it| it.eq_ignore_ascii_case("chunked"));
            body = if chunked { Body::Size } else { return Err(Invalid) };
        } else if name.eq_ignore_ascii_case("x-worker") {
            worker = text().and_then(|it| it.parse().ok());
        } else if name.eq_ignore_ascii_case("connection") {
            let says = text().unwrap_or_default();
            keep_alive = !says.eq_ignore_ascii_case("close")
                && (keep_alive || says.eq_ignore_ascii_case("keep-alive"));
        }
    }
    if status == 204 || status == 304 || status < 200 {
        body = Body::Length(0);
    }
    keep_alive &= body != Body::UntilClose;
    Ok((Answer { status, worker, keep_alive }, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All answers, the bytes coming in pieces of this size; `None`: invalid.
    fn answers(text: &str, piece: usize) -> Option<Vec<Answer>> {
        let mut reader = Reader::default();
        let mut answers = Vec::new();
        for bytes in text.as_bytes().chunks(piece) {
            reader.feed(bytes);
            while let Some(answer) = reader.next().ok()? {
                answers.push(answer);
            }
        }
        answers.extend(reader.end());
        Some(answers)
    }

    #[test]
    fn answers_are_whole_wherever_the_pieces_end() {
        let text = "HTTP/1.1 200 OK\r\nX-Worker: 2\r\nContent-Length: 5\r\n\r\nhello\
            HTTP/1.1 100 Continue\r\n\r\n\
            HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n\
            5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nT: t\r\n\r\n\
            HTTP/1.1 204 No Content\r\n\r\n\
            HTTP/1.0 200 OK\r\n\r\nuntil the end";
        for piece in [1, 2, 3, 7, 10_000] {
            let answers = answers(text, piece).unwrap();
            let status: Vec<u16> = answers.iter().map(|it| it.status).collect();
            assert_eq!(status, [200, 404, 204, 200], "pieces of {piece}");
            assert_eq!(answers[0].worker, Some(2));
            let stays: Vec<bool> =
                answers.iter().map(|it| it.keep_alive).collect();
            assert_eq!(stays, [true, true, true, false]);
        }
    }

    #[test]
    fn what_is_not_http_is_invalid() {
        for text in [
            "220 mail ESMTP\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        ] {
            assert_eq!(answers(text, 1000), None, "{text}");
        }
        let endless =
            format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(MOST_HEAD));
        assert_eq!(answers(&endless, 4096), None);
    }
}
