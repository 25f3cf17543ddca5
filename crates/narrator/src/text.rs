//! Makes foreign text harmless: what a worker sends must not move the cursor or change colours.

use std::fmt::{self, Display, Write};

/// The longest text of a sentence, in bytes. What workers and clients send may be much longer;
/// nobody reads that.
const LONGEST: usize = 4096;

/// A text, cut to the length that a sentence may have. What is left out is counted, and never kept.
pub(crate) fn cut(text: impl Display) -> String {
    let mut cut = Cut { text: String::new(), left_out: 0 };
    // It fails only if the text itself does; then there is what came before.
    let _ = write!(cut, "{text}");
    if cut.left_out > 0 {
        cut.text += &format!(" ... ({} bytes more)", cut.left_out);
    }
    cut.text
}

struct Cut {
    text: String,
    left_out: usize,
}

impl Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = if self.left_out > 0 { 0 } else { LONGEST - self.text.len() };
        let mut end = room.min(more.len());
        while !more.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(&more[..end]);
        self.left_out += more.len() - end;
        Ok(())
    }
}

/// The text as one line of printable characters.
///
/// Line ends fold into one space each. Other control characters are shown as they are written in
/// Rust (`\x1b`, `\t`), and so are those that reverse the reading direction.
pub(crate) fn harmless(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' if characters.peek() == Some(&'\n') => {} // the `\n` becomes the space
            '\n' | '\u{2028}' | '\u{2029}' => line.push(' '),
            _ => push_shown(&mut line, c),
        }
    }
    line
}

/// The lines of a table: as [`harmless`], but line ends stay, and tabs become spaces.
pub(crate) fn harmless_lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + 1);
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        let start = lines.len();
        for c in line.strip_suffix('\r').unwrap_or(line).chars() {
            if c == '\t' {
                let column = lines[start..].chars().count();
                lines.push_str(&" ".repeat(8 - column % 8));
            } else {
                push_shown(&mut lines, c);
            }
        }
        lines.push('\n');
    }
    lines
}

/// Adds a character, escaped if it would do anything but show itself.
fn push_shown(line: &mut String, c: char) {
    let written = match c {
        '\t' => write!(line, "\\t"),
        '\r' => write!(line, "\\r"),
        '\n' => write!(line, "\\n"),
        _ if c.is_control() => write!(line, "\\x{:02x}", u32::from(c)),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => write!(line, "{}", c.escape_unicode()),
        _ => write!(line, "{c}"),
    };
    debug_assert!(written.is_ok(), "a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_what_is_left_out_is_counted() {
        assert_eq!(cut("x".repeat(LONGEST)), "x".repeat(LONGEST));
        let odd = format!("x{}", "ä".repeat(LONGEST));
        let kept = (LONGEST - 1) / 2;
        let more = odd.len() - 1 - 2 * kept;
        assert_eq!(cut(&odd), format!("x{} ... ({more} bytes more)", "ä".repeat(kept)));
        // Also where it is written in pieces, the last of which would find room.
        let pieces = cut(format_args!("{}{}y", "x".repeat(LONGEST - 1), "ä"));
        assert!(pieces.ends_with("x ... (3 bytes more)"), "{pieces}");
    }

    #[test]
    fn line_ends_fold_into_spaces() {
        assert_eq!(harmless("a\nb\r\nc\u{2028}d"), "a b c d");
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(harmless("\x1b[31mred\x07\x7f\u{9b}2J"), "\\x1b[31mred\\x07\\x7f\\x9b2J");
        assert_eq!(harmless("a\tb\rc\0"), "a\\tb\\rc\\x00");
        assert_eq!(harmless("\u{202e}abc"), "\\u{202e}abc");
    }

    #[test]
    fn other_text_is_left_alone() {
        assert_eq!(harmless("größer: 世界 \\x1b"), "größer: 世界 \\x1b");
    }

    #[test]
    fn tables_keep_their_lines_and_their_columns() {
        assert_eq!(harmless_lines("a\tb\r\n\nccc\td"), "a       b\n\nccc     d\n");
        assert_eq!(harmless_lines("one\n"), "one\n");
        assert_eq!(harmless_lines(""), "\n");
        assert_eq!(harmless_lines("\x1b[2J"), "\\x1b[2J\n");
    }
}
