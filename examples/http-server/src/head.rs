//! What tiny_http lets pass, and HTTP does not: plain data in, a status out.

use std::io::{Read, copy, sink};

use tiny_http::{HTTPVersion, Request};

/// The longest body that a request may have.
pub(crate) const MOST_BODY: u64 = 1024 * 1024;

// ANCHOR: refusal
/// Why this request is not served: 400, 413, or nothing is wrong with it.
pub(crate) fn refusal(request: &mut Request) -> Option<u16> {
    let one_host = *request.http_version() == HTTPVersion(1, 1);
    let headers = request.headers().iter();
    let headers = headers.map(|it| (it.field.as_str(), it.value.as_str()));
    let bad = refusal_of(one_host, headers.map(|(f, v)| (f.as_str(), v)));
    if bad.is_some() || request.body_length().is_some() {
        return bad;
    }
    // In chunks: nobody knows how long it is before it is over.
    let mut body = request.as_reader().take(MOST_BODY + 1);
    match copy(&mut body, &mut sink()) {
        Ok(length) => (length > MOST_BODY).then_some(413),
        Err(_) => Some(400),
    }
}
// ANCHOR_END: refusal

fn refusal_of<'a>(
    one_host: bool,
    headers: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<u16> {
    let (mut hosts, mut chunked, mut length) = (0, false, None);
    for (field, value) in headers {
        match &*field.to_ascii_lowercase() {
            "host" => hosts += 1,
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => {
                chunked = true;
            }
            "transfer-encoding" => return Some(400),
            "content-length" => {
                let digits = value.bytes().all(|it| it.is_ascii_digit());
                if !digits || value.is_empty() || length.is_some() {
                    return Some(400);
                }
                // More than can be counted is more than any limit.
                length = Some(value.parse().unwrap_or(u64::MAX));
            }
            _ => {}
        }
    }
    let doubtful = chunked && length.is_some(); // which of them holds?
    match length {
        _ if doubtful || hosts > 1 || (one_host && hosts == 0) => Some(400),
        Some(length) if length > MOST_BODY => Some(413),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(headers: &[(&str, &str)]) -> Option<u16> {
        refusal_of(true, headers.iter().copied())
    }

    #[test]
    fn a_request_has_one_host_and_one_length() {
        let host = ("Host", "localhost");
        assert_eq!(refused(&[host]), None);
        assert_eq!(refused(&[]), Some(400));
        assert_eq!(refusal_of(false, std::iter::empty()), None);
        assert_eq!(refused(&[host, ("host", "elsewhere")]), Some(400));
        for bad in ["", "-1", "1e3", "0x10", "1, 1"] {
            assert_eq!(refused(&[host, ("Content-Length", bad)]), Some(400));
        }
        let length = ("Content-Length", "5");
        assert_eq!(refused(&[host, length]), None);
        assert_eq!(refused(&[host, length, length]), Some(400));
    }

    #[test]
    fn who_says_chunked_says_no_length() {
        let chunked = [("Host", "x"), ("Transfer-Encoding", "Chunked")];
        assert_eq!(refused(&chunked), None);
        let both = [&chunked[..], &[("Content-Length", "5")]].concat();
        assert_eq!(refused(&both), Some(400));
        let other = [("Host", "x"), ("Transfer-Encoding", "gzip")];
        assert_eq!(refused(&other), Some(400));
    }

    #[test]
    fn a_body_over_one_mebibyte_is_refused_before_it_is_read() {
        for (length, expected) in [
            ("1048576", None),
            ("1048577", Some(413)),
            ("1000000000000000", Some(413)),
            ("99999999999999999999999999", Some(413)),
        ] {
            let headers = [("Host", "x"), ("Content-Length", length)];
            assert_eq!(refused(&headers), expected, "{length}");
        }
    }
}
