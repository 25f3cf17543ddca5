//! What the protocol looks at in a line, found in one pass that keeps nothing: whatever a line
//! holds, it costs no memory before somebody wants it parsed.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::json;

/// A string of so many bytes is short.
const SHORT: usize = 32;

/// Where in a line the fields stand that say whose it is. Of a field that comes twice the last one
/// counts, as in JavaScript.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fields {
    cmd: Option<Range<usize>>,
    pub msg: Option<Range<usize>>,
}

impl Fields {
    /// Those of any JSON value; what is no object has none.
    pub(super) fn of(line: &[u8]) -> serde_json::Result<Fields> {
        if line.trim_ascii_start().starts_with(b"{")
            && let Some(fields) = Cursor::new(line).object()
        {
            return Ok(fields);
        }
        // Anything else, or the reason why it is no JSON.
        serde_json::from_slice::<IgnoredAny>(line).map(|_| Fields::default())
    }

    /// Node's rule for a message that is not the user's: its `cmd` is a string that starts with
    /// `NODE_` and is longer.
    pub(super) fn command<'a>(&self, line: &'a [u8]) -> Option<Cow<'a, str>> {
        let token = &line[self.cmd.clone()?];
        let inside = token.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let command = match std::str::from_utf8(inside) {
            Ok(text) if !text.contains('\\') => Cow::Borrowed(text),
            _ => Cow::Owned(json::parse(token).ok()?),
        };
        (command.len() > 5 && command.starts_with("NODE_")).then_some(command)
    }
}

/// Goes over one line, value by value.
struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn new(line: &'a [u8]) -> Cursor<'a> {
        Cursor { line, at: 0 }
    }

    /// The fields of the object that the line is. `None`: it is not JSON.
    fn object(&mut self) -> Option<Fields> {
        let mut fields = Fields::default();
        self.takes(b'{').then_some(())?;
        let mut more = !self.takes(b'}');
        while more {
            let key = (self.peek()? == b'"').then(|| self.value())??;
            self.takes(b':').then_some(())?;
            let value = self.value()?;
            match &self.line[key] {
                key if is(key, "cmd") => fields.cmd = Some(value),
                key if is(key, "msg") => fields.msg = Some(value),
                _ => {}
            }
            more = self.takes(b',');
            (more || self.takes(b'}')).then_some(())?;
        }
        self.peek().is_none().then_some(fields)
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.at += self.line[self.at..].iter().take_while(|byte| is_space(byte)).count();
        self.line.get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    /// Passes over one value of whatever depth: serde_json ignores without recursion.
    fn value(&mut self) -> Option<Range<usize>> {
        self.peek();
        let start = self.at;
        if let Some(end) = self.end_of_short_string() {
            self.at = end;
            return Some(start..end);
        }
        let mut values = Deserializer::from_slice(&self.line[start..]).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        self.at = start + values.byte_offset();
        Some(start..self.at)
    }

    /// Most keys are short and hold no escape. A parser for each would take longer than its bytes
    /// are worth.
    fn end_of_short_string(&self) -> Option<usize> {
        let inside = self.line[self.at..].strip_prefix(b"\"")?;
        let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        let length = inside.iter().take(SHORT).position(ends)?;
        (inside[length] == b'"').then_some(self.at + length + 2)
    }
}

/// Whether this key is that word, also with its letters written as escapes of six bytes each.
fn is(key: &[u8], word: &str) -> bool {
    let inside = &key[1..key.len() - 1];
    let escaped = || inside.contains(&b'\\') && inside.len() <= 6 * word.len();
    inside == word.as_bytes()
        || escaped() && serde_json::from_slice::<String>(key).is_ok_and(|key| key == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn found(line: &str) -> (Option<String>, Option<&str>) {
        let fields = Fields::of(line.as_bytes()).unwrap();
        let command = fields.command(line.as_bytes()).map(Cow::into_owned);
        (command, fields.msg.map(|at| &line[at]))
    }

    #[test]
    fn a_command_is_a_string_of_the_outermost_object_that_starts_with_node_and_is_longer() {
        for line in [
            "{}",
            " { } ",
            "{\"cmd\":\"NODE_\"}",
            "{\"cmd\":\"node_x\"}",
            "{\"cmd\":\"xNODE_x\"}",
            "{\"cmd\":7}",
            "{\"cmd\":[\"NODE_X\"]}",
            "{\"Cmd\":\"NODE_X\"}",
            "{\"a\":{\"cmd\":\"NODE_X\"}}",
            "[{\"cmd\":\"NODE_X\"}]",
            "{\"cmd\":\"NODE_X\",\"cmd\":null}",
            "\"cmd\"",
            "7",
        ] {
            assert_eq!(found(line).0, None, "{line}");
        }
        for line in [
            "{\"cmd\":\"NODE_X\"}",
            " {\t\"cmd\" :\r\"NODE_X\" }",
            "{\"a\":[{}],\"cmd\":\"NODE_X\",\"b\":1.5e3}",
            "{\"cmd\":null,\"cmd\":\"NODE_X\"}",
            r#"{"\u0063\u006d\u0064":"NODE_X"}"#,
            r#"{"cmd":"\u004eODE_X"}"#,
        ] {
            assert_eq!(found(line).0.as_deref(), Some("NODE_X"), "{line}");
        }
        assert_eq!(found(r#"{"cmd":"NODE_\ud800"}"#).0.as_deref(), Some("NODE_\u{fffd}"));
    }

    #[test]
    fn a_message_inside_is_found_as_it_stands_in_the_line() {
        assert_eq!(found("{\"msg\": [1, 2] }").1, Some("[1, 2]"));
        assert_eq!(found("{\"msg\":1,\"x\":{\"msg\":2}}").1, Some("1"));
        assert_eq!(found("{\"msg\":1,\"msg\":\"2\"}").1, Some("\"2\""));
        assert_eq!(found(r#"{"m\u0073g":true}"#).1, Some("true"));
        assert_eq!(found("{\"messag\":1}").1, None);
    }

    #[test]
    fn keys_of_any_length_and_with_anything_in_them_are_passed_over() {
        for length in 0..2 * SHORT {
            for inside in ["", "\\n", "\\\"", "\u{e9}"] {
                let key = format!("{}{inside}", "x".repeat(length));
                let line = format!("{{\"{key}\":\"{key}\",\"cmd\":\"NODE_X\"}}");
                assert_eq!(found(&line).0.as_deref(), Some("NODE_X"), "{line}");
                for bad in ['\u{1f}', '\n'] {
                    let line = format!("{{\"{key}{bad}\":1}}");
                    assert!(Fields::of(line.as_bytes()).is_err(), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep =
            format!("{{\"a\":{}{},\"cmd\":\"NODE_X\"}}", "[".repeat(1 << 20), "]".repeat(1 << 20));
        assert_eq!(found(&deep).0.as_deref(), Some("NODE_X"));
    }

    #[test]
    fn what_is_no_json_has_a_reason() {
        for line in [
            "",
            "{",
            "}",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{a:1}",
            "{1:1}",
            "{\"a\":1}{",
            "{\"a\":1}}",
            "{\"a\":01}",
            "{\"a\":1x}",
            "{\"a\u{1}\":1}",
            "{}1",
            "nul",
            "{\"a\":nul}",
        ] {
            let reason = Fields::of(line.as_bytes()).unwrap_err().to_string();
            assert!(!reason.is_empty(), "{line}");
        }
    }

    /// Pieces that make an object, mostly.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[{}\\[\\]:,\"]",
            2 => Just("\"cmd\":".to_owned()),
            1 => Just("\"msg\" : ".to_owned()),
            1 => Just("\"NODE_X\"".to_owned()),
            2 => prop_oneof!["[0-9]{1,2}", "[ \t\r]", Just("null".to_owned()), Just("{}".to_owned())],
            1 => "\"[a-z\\\\]{0,4}\"",
        ];
        proptest::collection::vec(piece, 0..12)
            .prop_map(|pieces| format!("{{{}}}", pieces.concat()))
    }

    proptest! {
        #[test]
        fn it_is_json_for_us_if_it_is_for_serde_json_and_the_fields_are_the_same(line in pieces()) {
            let value = serde_json::from_str::<Value>(&line);
            let fields = Fields::of(line.as_bytes());
            prop_assert_eq!(value.is_ok(), fields.is_ok(), "{}", line);
            let is_object = value.is_ok() && line.starts_with('{');
            prop_assert_eq!(is_object, Cursor::new(line.as_bytes()).object().is_some());
            if let (Ok(value), Ok(fields)) = (value, fields) {
                let parsed = |at: Option<Range<usize>>| {
                    at.map(|at| serde_json::from_str::<Value>(&line[at]).unwrap())
                };
                prop_assert_eq!(value.get("cmd").cloned(), parsed(fields.cmd));
                prop_assert_eq!(value.get("msg").cloned(), parsed(fields.msg));
            }
        }
    }
}
