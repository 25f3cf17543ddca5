//! Requests as plain data: bytes go in, in pieces of any size; whole requests come out.

use httparse::Status;

use crate::answer::{MAX_HEADERS, header, stays_open};
use crate::body::content_length;
use crate::guest::Refusal;

/// The longest head of a request, in bytes; what is longer is refused with 431.
pub const MAX_REQUEST_HEAD: usize = 8 * 1024;
/// The longest body of a request, in bytes; what is longer is refused with 413.
pub const MAX_REQUEST_BODY: usize = 64 * 1024;

/// What somebody asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// `GET`, `POST`, ...
    pub method: String,
    /// `/`, `/busy?ms=300`, ...
    pub path: String,
    /// What came with it.
    pub body: Vec<u8>,
    /// Whether whoever asks may ask again on this connection.
    pub keep_alive: bool,
}

/// Takes a whole request out of `bytes`; `None`: more has to come.
pub(crate) fn take(bytes: &mut Vec<u8>) -> Result<Option<Request>, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let window = &bytes[..bytes.len().min(MAX_REQUEST_HEAD)];
    let head = match parsed.parse(window) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) if window.len() == MAX_REQUEST_HEAD => {
            return Err(Refusal::HeadTooLong);
        }
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLong),
        Err(error) => return Err(Refusal::NotHttp(error.to_string())),
    };
    if header(parsed.headers, "transfer-encoding").is_some() {
        return Err(Refusal::LengthMissing);
    }
    let length = content_length(parsed.headers)
        .map_err(|why| Refusal::NotHttp(why.to_owned()))?
        .unwrap_or_default();
    if length > MAX_REQUEST_BODY {
        return Err(Refusal::BodyTooLong);
    }
    let connection = header(parsed.headers, "connection").unwrap_or_default();
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: parsed.path.unwrap_or_default().to_owned(),
        keep_alive: stays_open(parsed.version, &connection),
        body: Vec::new(),
    };
    if bytes.len() < head + length {
        return Ok(None);
    }
    bytes.drain(..head);
    Ok(Some(Request { body: bytes.drain(..length).collect(), ..request }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken(text: &str) -> Result<Option<Request>, Refusal> {
        take(&mut text.as_bytes().to_vec())
    }

    #[test]
    fn a_request_is_taken_when_it_is_whole() {
        let whole = "POST /x HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
        for length in 0..whole.len() {
            assert_eq!(taken(&whole[..length]), Ok(None), "{length}");
        }
        let mut bytes = whole.repeat(2).into_bytes();
        for _ in 0..2 {
            let request = take(&mut bytes).unwrap().unwrap();
            assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/x"));
            assert_eq!((request.body.as_slice(), request.keep_alive), (&b"hi"[..], false));
        }
        assert!(bytes.is_empty());
    }

    #[test]
    fn what_has_no_end_or_no_sense_is_refused() {
        let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(MAX_REQUEST_HEAD));
        assert_eq!(taken(&long), Err(Refusal::HeadTooLong));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MAX_HEADERS + 1));
        assert_eq!(taken(&many), Err(Refusal::HeadTooLong));
        let large = "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n";
        assert_eq!(taken(large), Err(Refusal::BodyTooLong));
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(taken(chunked), Err(Refusal::LengthMissing));
        let lie = "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n";
        for bad in ["GET\r\n", "GET / SSH/1.1\r\n\r\n", lie] {
            assert!(matches!(taken(bad), Err(Refusal::NotHttp(_))), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_whatever_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut with_start = b"GET / HTTP/1.1\r\n".to_vec();
            with_start.extend(&bytes);
            let _ = take(&mut with_start);
            let _ = take(&mut bytes.clone());
        }
    }
}
