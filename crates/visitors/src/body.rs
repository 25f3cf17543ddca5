//! Where a body ends: after so many bytes, after its last chunk, or with the connection.

use httparse::{Header, Status};

use crate::Trouble;
use crate::answer::{MAX_BODY, MAX_HEADERS, header};

/// The longest line that announces a chunk, and the longest trailer.
const MAX_CHUNK_LINE: usize = 1024;

/// What is still to come of a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Body {
    /// So many bytes.
    Length(usize),
    /// Chunks; first the line that says how long the next one is.
    ChunkSize,
    /// So many bytes of a chunk.
    Chunk(usize),
    /// The line end after a chunk.
    ChunkEnd,
    /// Headers after the last chunk, up to an empty line.
    Trailer,
    /// Whatever comes until the other side closes.
    UntilClose,
}

impl Body {
    /// The body that a head announces (RFC 9112, section 6.3).
    pub(crate) fn of(status: u16, headers: &[Header<'_>]) -> Result<Body, Trouble> {
        if status < 200 || status == 204 || status == 304 {
            return Ok(Body::Length(0));
        }
        if let Some(coding) = header(headers, "transfer-encoding") {
            return match coding.eq_ignore_ascii_case("chunked") {
                true => Ok(Body::ChunkSize),
                false => Err(Trouble::not_http(format!("unknown transfer coding {coding:?}"))),
            };
        }
        match content_length(headers).map_err(Trouble::not_http)? {
            Some(length) if length > MAX_BODY => Err(Trouble::TooLarge(MAX_BODY)),
            Some(length) => Ok(Body::Length(length)),
            None => Ok(Body::UntilClose),
        }
    }

    /// Moves what belongs to the body from `bytes` to `to`. Says whether the body is whole.
    pub(crate) fn take(&mut self, bytes: &mut Vec<u8>, to: &mut Vec<u8>) -> Result<bool, Trouble> {
        loop {
            match *self {
                Body::Length(left) => {
                    let taken = move_bytes(left, bytes, to);
                    *self = Body::Length(left - taken);
                    return Ok(taken == left);
                }
                Body::ChunkSize => match chunk_size(bytes)? {
                    None => return Ok(false),
                    Some((_, size)) if size > (MAX_BODY - to.len()) as u64 => {
                        return Err(Trouble::TooLarge(MAX_BODY));
                    }
                    Some((line, size)) => {
                        bytes.drain(..line);
                        *self = if size == 0 { Body::Trailer } else { Body::Chunk(size as usize) };
                    }
                },
                Body::Chunk(left) => {
                    let taken = move_bytes(left, bytes, to);
                    if taken < left {
                        *self = Body::Chunk(left - taken);
                        return Ok(false);
                    }
                    *self = Body::ChunkEnd;
                }
                Body::ChunkEnd => {
                    let there = bytes.len().min(2);
                    if bytes[..there] != b"\r\n"[..there] {
                        return Err(Trouble::not_http("a chunk is longer than it says"));
                    }
                    if there < 2 {
                        return Ok(false);
                    }
                    bytes.drain(..2);
                    *self = Body::ChunkSize;
                }
                Body::Trailer => return take_trailer(bytes),
                Body::UntilClose => {
                    to.append(bytes);
                    return if to.len() > MAX_BODY {
                        Err(Trouble::TooLarge(MAX_BODY))
                    } else {
                        Ok(false)
                    };
                }
            }
        }
    }
}

/// `Content-Length`: digits, and the same in each place where it stands.
pub(crate) fn content_length(headers: &[Header<'_>]) -> Result<Option<usize>, &'static str> {
    let mut length = None;
    for header in headers.iter().filter(|it| it.name.eq_ignore_ascii_case("content-length")) {
        let digits = std::str::from_utf8(header.value).unwrap_or_default().trim();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("Content-Length is no number");
        }
        // More than can be counted is more than any limit.
        let one = digits.parse().unwrap_or(usize::MAX);
        if length.is_some_and(|other| other != one) {
            return Err("two different Content-Lengths");
        }
        length = Some(one);
    }
    Ok(length)
}

fn move_bytes(wanted: usize, from: &mut Vec<u8>, to: &mut Vec<u8>) -> usize {
    let there = wanted.min(from.len());
    to.extend(from.drain(..there));
    there
}

/// The length of the line that announces a chunk, and the chunk's size.
fn chunk_size(bytes: &[u8]) -> Result<Option<(usize, u64)>, Trouble> {
    let window = &bytes[..bytes.len().min(MAX_CHUNK_LINE)];
    let begins_with_a_digit = window.first().is_none_or(u8::is_ascii_hexdigit); // httparse takes none as 0
    match httparse::parse_chunk_size(window) {
        _ if !begins_with_a_digit => Err(Trouble::not_http("a chunk does not say its size")),
        Ok(Status::Complete(line_and_size)) => Ok(Some(line_and_size)),
        Ok(Status::Partial) if window.len() < MAX_CHUNK_LINE => Ok(None),
        _ => Err(Trouble::not_http("a chunk does not say its size")),
    }
}

fn take_trailer(bytes: &mut Vec<u8>) -> Result<bool, Trouble> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let window = &bytes[..bytes.len().min(MAX_CHUNK_LINE)];
    match httparse::parse_headers(window, &mut headers).map_err(Trouble::not_http)? {
        Status::Complete((length, _)) => {
            bytes.drain(..length);
            Ok(true)
        }
        Status::Partial if window.len() < MAX_CHUNK_LINE => Ok(false),
        Status::Partial => Err(Trouble::TooLarge(MAX_CHUNK_LINE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, &'static str)]) -> Result<Body, Trouble> {
        let headers: Vec<Header<'_>> =
            headers.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        Body::of(200, &headers)
    }

    #[test]
    fn the_head_says_where_the_body_ends() {
        assert_eq!(of(&[]), Ok(Body::UntilClose));
        assert_eq!(of(&[("Content-Length", " 5 ")]), Ok(Body::Length(5)));
        assert_eq!(of(&[("Content-Length", "5"), ("content-length", "5")]), Ok(Body::Length(5)));
        let both = [("Content-Length", "5"), ("Transfer-Encoding", "Chunked")];
        assert_eq!(of(&both), Ok(Body::ChunkSize));
    }

    #[test]
    fn a_length_that_lies_is_refused() {
        for bad in ["", "-1", "+1", "0x5", "5 5", "1.5"] {
            assert!(matches!(of(&[("Content-Length", bad)]), Err(Trouble::NotHttp(_))), "{bad}");
        }
        let two = [("Content-Length", "5"), ("Content-Length", "6")];
        assert!(matches!(of(&two), Err(Trouble::NotHttp(_))));
        let gzip = [("Transfer-Encoding", "gzip")];
        assert!(matches!(of(&gzip), Err(Trouble::NotHttp(_))));
        for huge in ["1048577", "99999999999999999999999999"] {
            assert_eq!(of(&[("Content-Length", huge)]), Err(Trouble::TooLarge(MAX_BODY)));
        }
    }

    fn chunks(text: &str) -> Result<(bool, String), Trouble> {
        let (mut body, mut bytes, mut to) = (Body::ChunkSize, text.as_bytes().to_vec(), Vec::new());
        let whole = body.take(&mut bytes, &mut to)?;
        Ok((whole, String::from_utf8(to).unwrap()))
    }

    #[test]
    fn chunks_are_put_together_and_bad_ones_refused() {
        assert_eq!(chunks("3\r\nabc\r\n0\r\n\r\n"), Ok((true, "abc".into())));
        assert_eq!(chunks("3\r\nabc\r"), Ok((false, "abc".into())));
        for bad in ["x\r\n", "3\r\nabcd\r\n", "\r\n\r\n", "11111111111111111\r\n"] {
            assert!(matches!(chunks(bad), Err(Trouble::NotHttp(_))), "{bad:?}: {:?}", chunks(bad));
        }
        assert_eq!(chunks("100001\r\n"), Err(Trouble::TooLarge(MAX_BODY)));
        assert_eq!(chunks("ffffffffffffffff\r\n"), Err(Trouble::TooLarge(MAX_BODY)));
        let endless = format!("1;{}", "x".repeat(MAX_CHUNK_LINE));
        assert!(matches!(chunks(&endless), Err(Trouble::NotHttp(_))));
    }
}
