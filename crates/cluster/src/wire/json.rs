//! JSON as Node reads it: tolerant where JavaScript strings are wider than Unicode.

use serde_json::Value;

/// Parses one line.
///
/// JavaScript strings may hold half of a surrogate pair, which `JSON.stringify` writes as `\ud800`. No Rust string can
/// hold it, so it becomes U+FFFD, as in Node's own UTF-8 encoder. Bytes that are not UTF-8 become U+FFFD too.
pub(crate) fn parse(line: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(line).or_else(|error| {
        let text = String::from_utf8_lossy(line);
        let mended = replace_lone_surrogates(&text);
        if mended.as_bytes() == line { Err(error) } else { serde_json::from_str(&mended) }
    })
}

fn replace_lone_surrogates(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let length = match unicode_escape(escape) {
            Some(0xD800..=0xDBFF) if is_low_surrogate(&escape[6..]) => 12,
            Some(0xD800..=0xDFFF) => {
                mended.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            Some(_) => 6,
            None => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        mended.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    mended.push_str(rest);
    mended
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
    use serde_json::json;

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        assert_eq!(parse(br#"{"a":"x\ud800y"}"#).unwrap(), json!({"a": "x\u{fffd}y"}));
        assert_eq!(parse(br#""\udc00\ud800""#).unwrap(), json!("\u{fffd}\u{fffd}"));
        assert_eq!(parse(br#""\ud800""#).unwrap(), json!("\u{fffd}"));
    }

    #[test]
    fn whole_pairs_and_escaped_backslashes_stay_as_they_are() {
        assert_eq!(parse(br#""\ud83d\ude00\ud800""#).unwrap(), json!("\u{1f600}\u{fffd}"));
        assert_eq!(parse(br#""\\ud800\ud800""#).unwrap(), json!("\\ud800\u{fffd}"));
    }

    #[test]
    fn bytes_that_are_not_utf8_become_the_replacement_character() {
        assert_eq!(parse(b"\"a\xff\"").unwrap(), json!("a\u{fffd}"));
    }

    #[test]
    fn what_is_not_json_stays_an_error() {
        for line in ["", "{", "{\"a\":}", "nul", "\"\\ud8", "\\", "\"\\"] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
    }
}
