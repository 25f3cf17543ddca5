//! Answers as plain data: bytes go in, in pieces of any size; whole answers come out.

use httparse::{Header, Status};

use crate::Trouble;
use crate::body::Body;

/// The longest head of an answer, in bytes.
pub const MAX_HEAD: usize = 16 * 1024;
/// The most headers in an answer.
pub const MAX_HEADERS: usize = 64;
/// The longest body of an answer, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// A server's answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// 200, 404, ...
    pub status: u16,
    /// The header `X-Worker`, if there is one.
    pub x_worker: Option<String>,
    /// What was asked for.
    pub body: Vec<u8>,
    /// Whether the server takes another request on this connection.
    pub keep_alive: bool,
}

impl Answer {
    /// Whether the status is one of the 200s.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The number of the worker that answered: `X-Worker: 2`, or a body that begins with `worker 2`.
    pub fn worker(&self) -> Option<u32> {
        if let Some(number) = &self.x_worker {
            return number.parse().ok();
        }
        let first = self.text().lines().next()?.strip_prefix("worker ")?.trim().to_owned();
        first.parse().ok()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Turns the bytes of a connection into answers.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// What came and is not part of an answer yet.
    bytes: Vec<u8>,
    /// The answer whose body is still to come.
    begun: Option<(Answer, Body)>,
}

impl Decoder {
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next answer, if it is whole.
    pub(crate) fn next(&mut self) -> Result<Option<Answer>, Trouble> {
        loop {
            if self.begun.is_none() {
                let Some(head) = self.take_head()? else { return Ok(None) };
                if head.0.status < 200 {
                    continue; // 100 Continue and its like: the answer itself comes after it
                }
                self.begun = Some(head);
            }
            let Some((mut answer, mut body)) = self.begun.take() else { return Ok(None) };
            if body.take(&mut self.bytes, &mut answer.body)? {
                return Ok(Some(answer));
            }
            self.begun = Some((answer, body));
            return Ok(None);
        }
    }

    /// The connection has ended: for some answers that is how they end, too.
    pub(crate) fn end(&mut self) -> Result<Answer, Trouble> {
        match self.begun.take() {
            Some((answer, Body::UntilClose)) => Ok(answer),
            _ => Err(Trouble::ClosedEarly),
        }
    }

    fn take_head(&mut self) -> Result<Option<(Answer, Body)>, Trouble> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let window = &self.bytes[..self.bytes.len().min(MAX_HEAD)];
        let length = match response.parse(window).map_err(Trouble::not_http)? {
            Status::Complete(length) => length,
            Status::Partial if window.len() == MAX_HEAD => return Err(Trouble::TooLarge(MAX_HEAD)),
            Status::Partial => return Ok(None),
        };
        let status = response.code.unwrap_or_default();
        let x_worker = header(response.headers, "x-worker");
        let connection = header(response.headers, "connection").unwrap_or_default();
        let body = Body::of(status, response.headers)?;
        let keep_alive = body != Body::UntilClose && stays_open(response.version, &connection);
        let answer = Answer { status, x_worker, body: Vec::new(), keep_alive };
        self.bytes.drain(..length);
        Ok(Some((answer, body)))
    }
}

/// The value of a header as text.
pub(crate) fn header(headers: &[Header<'_>], name: &str) -> Option<String> {
    let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    Some(String::from_utf8_lossy(found.value).trim().to_owned())
}

/// Whether a connection stays open: in HTTP/1.1 unless somebody says otherwise, in HTTP/1.0 only if somebody says so.
pub(crate) fn stays_open(version: Option<u8>, connection: &str) -> bool {
    let says =
        |word: &str| connection.split(',').any(|option| option.trim().eq_ignore_ascii_case(word));
    if version == Some(1) { !says("close") } else { says("keep-alive") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All answers in these pieces, and how it ended.
    fn decoded<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Answer>, Option<Trouble>) {
        let mut decoder = Decoder::default();
        let mut answers = Vec::new();
        for piece in pieces {
            decoder.feed(piece);
            loop {
                match decoder.next() {
                    Ok(Some(answer)) => answers.push(answer),
                    Ok(None) => break,
                    Err(trouble) => return (answers, Some(trouble)),
                }
            }
        }
        match decoder.end() {
            Ok(answer) => (answers.into_iter().chain([answer]).collect(), None),
            Err(trouble) => (answers, Some(trouble)),
        }
    }

    fn one(bytes: &str) -> Result<Answer, Trouble> {
        let (mut answers, trouble) = decoded([bytes.as_bytes()]);
        answers.pop().ok_or_else(|| trouble.unwrap())
    }

    #[test]
    fn the_worker_is_in_the_header_or_in_the_body() {
        let by_header =
            one("HTTP/1.1 200 OK\r\nX-Worker: 3\r\nContent-Length: 2\r\n\r\nhi").unwrap();
        assert_eq!((by_header.worker(), by_header.text().as_str()), (Some(3), "hi"));
        let by_body = one("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nworker 2\n").unwrap();
        assert_eq!(by_body.worker(), Some(2));
        let by_nobody = one("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
        assert_eq!(by_nobody.worker(), None);
        let odd = one("HTTP/1.1 200 OK\r\nX-Worker: two\r\nContent-Length: 0\r\n\r\n").unwrap();
        assert_eq!(odd.worker(), None);
    }

    #[test]
    fn an_answer_ends_by_its_length_by_its_last_chunk_or_with_the_connection() {
        let by_length = one("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
        let by_chunk =
            one("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\nA: b\r\n\r\n")
                .unwrap();
        let by_close = one("HTTP/1.1 200 OK\r\n\r\nhi").unwrap();
        assert_eq!([by_length.text(), by_chunk.text(), by_close.text()], ["hi", "hi", "hi"]);
        assert!(by_length.keep_alive && by_chunk.keep_alive && !by_close.keep_alive);
        let nothing = one("HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        assert!(nothing.body.is_empty() && nothing.keep_alive);
    }

    #[test]
    fn who_closes_says_so() {
        let head = |version: &str, connection: &str| {
            let text = format!("{version} 200 OK\r\n{connection}Content-Length: 0\r\n\r\n");
            one(&text).unwrap().keep_alive
        };
        assert!(head("HTTP/1.1", ""));
        assert!(!head("HTTP/1.1", "Connection: Close\r\n"));
        assert!(!head("HTTP/1.1", "connection: x, close\r\n"));
        assert!(!head("HTTP/1.0", ""));
        assert!(head("HTTP/1.0", "Connection: keep-alive\r\n"));
    }

    #[test]
    fn an_interim_answer_is_not_the_answer() {
        let bytes =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(one(bytes).unwrap().status, 404);
    }

    #[test]
    fn what_is_cut_off_is_told_as_closed_early() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        for length in 0..whole.len() {
            assert_eq!(one(&whole[..length]), Err(Trouble::ClosedEarly), "{length}");
        }
    }

    #[test]
    fn what_is_no_http_or_has_no_end_is_refused() {
        assert!(matches!(one("SSH-2.0-OpenSSH\r\n"), Err(Trouble::NotHttp(_))));
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(MAX_HEAD));
        assert_eq!(one(&endless), Err(Trouble::TooLarge(MAX_HEAD)));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(MAX_HEADERS + 1));
        assert!(matches!(one(&many), Err(Trouble::NotHttp(_))));
    }

    fn answer() -> impl Strategy<Value = Vec<u8>> {
        let body = proptest::collection::vec(any::<u8>(), 0..40);
        (200u16..600, body, 0..4).prop_map(|(status, body, kind)| {
            let mut bytes = format!("HTTP/1.1 {status} X\r\nX-Worker: 7\r\n").into_bytes();
            match kind {
                0 => bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n"),
                1 => bytes.extend(b"Connection: close\r\n\r\n"),
                _ => bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes()),
            }
            if kind == 0 {
                for chunk in body.chunks(7) {
                    bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    bytes.extend(chunk);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            } else {
                bytes.extend(body);
            }
            bytes
        })
    }

    proptest! {
        #[test]
        fn answers_split_anywhere_decode_the_same(
            answers in proptest::collection::vec(answer(), 1..4),
            sizes in proptest::collection::vec(1usize..30, 1..50),
        ) {
            let bytes = answers.concat();
            let whole = decoded([bytes.as_slice()]);
            prop_assert_eq!(&whole, &decoded(bytes.chunks(1)));
            let (mut rest, mut pieces) = (bytes.as_slice(), Vec::new());
            for size in sizes.iter().cycle() {
                if rest.is_empty() { break }
                let (piece, later) = rest.split_at((*size).min(rest.len()));
                pieces.push(piece);
                rest = later;
            }
            prop_assert_eq!(&whole, &decoded(pieces));
        }

        #[test]
        fn no_bytes_whatever_make_it_panic_or_depend_on_the_pieces(
            start in "(HTTP/1\\.[019] [0-9]{0,4} ?[a-z]{0,3}\r?\n)?((Content-Length|Transfer-Encoding): ?(chunked|[0-9]{0,22})\r?\n){0,2}(\r?\n)?([0-9a-f]{0,17}\r?\n)?",
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let bytes = [start.into_bytes(), bytes].concat();
            prop_assert_eq!(decoded([bytes.as_slice()]), decoded(bytes.chunks(1)));
        }
    }
}
