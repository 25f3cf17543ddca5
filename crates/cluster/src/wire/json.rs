//! JSON as Node reads it: tolerant where JavaScript strings are wider than Unicode; and not read
//! before somebody wants it.

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;

/// How many bytes of a message its `Debug` shows.
const SHOWN: usize = 200;

/// One JSON value as it came, and how long the line was that brought it. Its grammar is checked,
/// nothing else is.
pub(crate) struct Json {
    bytes: Vec<u8>,
    line_bytes: usize,
}

impl Json {
    pub(crate) fn new(bytes: Vec<u8>, line_bytes: usize) -> Json {
        Json { bytes, line_bytes }
    }

    /// The length of the whole line, newline and `NODE_HANDLE` wrapper included.
    pub(crate) fn line_bytes(&self) -> usize {
        self.line_bytes
    }

    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    #[cfg(test)]
    pub(super) fn place(&self) -> usize {
        self.bytes.as_ptr().addr()
    }

    pub(crate) fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        parse(&self.bytes)
    }

    /// The text, if it is a bare string.
    pub(crate) fn text(&self) -> Option<String> {
        let is_text = self.bytes.trim_ascii_start().starts_with(b"\"");
        is_text.then(|| self.parse().ok()).flatten()
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.bytes.trim_ascii()))
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.bytes[..self.bytes.len().min(SHOWN)];
        f.write_str(&String::from_utf8_lossy(shown))?;
        match self.bytes.len() {
            0..=SHOWN => Ok(()),
            all => write!(f, "... ({all} bytes)"),
        }
    }
}

/// Parses one value.
///
/// JavaScript strings may hold half of a surrogate pair, which `JSON.stringify` writes as `\ud800`.
/// No Rust string can hold it, so it becomes U+FFFD, as in Node's own UTF-8 encoder. Bytes that are
/// not UTF-8 become U+FFFD too.
pub(super) fn parse<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(json).or_else(|error| match mended(json) {
        Cow::Borrowed(_) => Err(error), // nothing to mend
        Cow::Owned(text) => serde_json::from_str(&text),
    })
}

fn mended(json: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(json) {
        Cow::Borrowed(text) => replace_lone_surrogates(text),
        Cow::Owned(text) => Cow::Owned(replace_lone_surrogates(&text).into_owned()),
    }
}

fn replace_lone_surrogates(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    // So much of the text is in `mended`, and so much is looked at.
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = text[at..].find('\\') {
        at += found;
        let escape = &text[at..];
        at += match unicode_escape(escape) {
            Some(0xD800..=0xDBFF) if is_low_surrogate(&escape[6..]) => 12,
            Some(0xD800..=0xDFFF) => {
                mended.push_str(&text[copied..at]);
                mended.push_str("\\ufffd");
                copied = at + 6;
                6
            }
            Some(_) => 6,
            None => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(&text[copied..]);
    Cow::Owned(mended)
}

/// The code unit of an escape such as `\ud800` at the start of the text.
fn unicode_escape(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u16::from_str_radix(digits, 16).ok())?
}

fn is_low_surrogate(text: &str) -> bool {
    matches!(unicode_escape(text), Some(0xDC00..=0xDFFF))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn value(json: &[u8]) -> Value {
        parse(json).unwrap()
    }

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        assert_eq!(value(br#"{"a":"x\ud800y"}"#), json!({"a": "x\u{fffd}y"}));
        assert_eq!(value(br#""\udc00\ud800""#), json!("\u{fffd}\u{fffd}"));
        assert_eq!(value(br#""\ud800""#), json!("\u{fffd}"));
        assert_eq!(value(br#""\udfff\udbff""#), json!("\u{fffd}\u{fffd}"));
    }

    #[test]
    fn whole_pairs_and_escaped_backslashes_stay_as_they_are() {
        assert_eq!(
            value(br#""\udbff\udfff\ud800\udc00\ud800""#),
            json!("\u{10ffff}\u{10000}\u{fffd}")
        );
        assert_eq!(value(br#""\ud83d\ude00\ud800""#), json!("\u{1f600}\u{fffd}"));
        assert_eq!(value(br#""\\ud800\ud800""#), json!("\\ud800\u{fffd}"));
        assert_eq!(value(br#""\ue000\ud7ff\ud800""#), json!("\u{e000}\u{d7ff}\u{fffd}"));
    }

    #[test]
    fn bytes_that_are_not_utf8_become_the_replacement_character() {
        assert_eq!(value(b"\"a\xff\""), json!("a\u{fffd}"));
        assert_eq!(value(b"\"\xff\\ud800z\""), json!("\u{fffd}\u{fffd}z"));
    }

    #[test]
    fn what_is_not_json_stays_an_error() {
        for line in ["", "{", "{\"a\":}", "nul", "\"\\ud8", "\\", "\"\\"] {
            assert!(parse::<Value>(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn only_a_bare_string_is_a_text() {
        let text = |json: &str| Json::new(json.into(), 0).text();
        assert_eq!(text(r#""a\n\ud800""#), Some("a\n\u{fffd}".into()));
        assert_eq!(text(" \t\"b\"\r"), Some("b".into()));
        for other in ["1", "null", "[\"a\"]", "{\"a\":\"b\"}"] {
            assert_eq!(text(other), None, "{other}");
        }
    }

    #[test]
    fn a_long_message_is_shown_shortened_and_printed_whole() {
        let json = |length| Json::new("x".repeat(length).into_bytes(), 0);
        assert_eq!(format!("{:?}", json(SHOWN)), "x".repeat(SHOWN));
        assert_eq!(format!("{:?}", json(SHOWN + 1)), format!("{}... (201 bytes)", "x".repeat(200)));
        assert_eq!(json(SHOWN + 1).to_string().len(), SHOWN + 1);
        assert_eq!(Json::new(b"  {}\r".to_vec(), 0).to_string(), "{}");
    }
}
