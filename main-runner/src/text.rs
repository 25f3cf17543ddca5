//! Text in which each piece has its style, and how it is wrapped.

use anstyle::Style;

/// No line is wider than this, unless the terminal has the room and a table the need.
pub const WIDTH: usize = 80;

/// How many columns the terminal has; nothing in front of a pipe, or if it does not know.
pub fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(size.ws_col.into()).filter(|columns| *columns > 0)
}

/// Text of one plain piece.
pub fn plain(text: &str) -> Text {
    let mut plain = Text::default();
    plain.push(Style::new(), text);
    plain
}

/// A list as a person would say it: one, two and three.
pub fn and(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// A run of styled pieces: a paragraph, a heading, a cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pieces: Vec<(Style, String)>,
}

impl Text {
    /// Adds a piece.
    pub fn push(&mut self, style: Style, piece: &str) {
        match self.pieces.last_mut() {
            Some((last, text)) if *last == style => text.push_str(piece),
            _ => self.pieces.push((style, piece.to_owned())),
        }
    }

    /// Whether there is nothing to show.
    pub fn is_blank(&self) -> bool {
        self.pieces.iter().all(|(_, text)| text.trim().is_empty())
    }

    /// How many columns the text takes on one line.
    pub fn width(&self) -> usize {
        self.wrapped(usize::MAX).iter().map(Text::own_width).max().unwrap_or(0)
    }

    /// The text broken into lines of at most `width` columns, between words wherever possible.
    /// A line feed always breaks.
    pub fn wrapped(&self, width: usize) -> Vec<Text> {
        let mut lines = vec![Text::default()];
        for word in self.words() {
            match word {
                Word::Break => lines.push(Text::default()),
                Word::Of(word) => {
                    for part in word.cut(width) {
                        place(&mut lines, part, width);
                    }
                }
            }
        }
        lines
    }

    /// The text broken into lines that are indented, all but the first.
    pub fn hanging(&self, width: usize, indent: usize) -> Vec<Text> {
        let mut lines = self.wrapped(width.saturating_sub(indent));
        for line in lines.iter_mut().skip(1) {
            line.pieces.insert(0, (Style::new(), " ".repeat(indent)));
        }
        lines
    }

    /// The text with its escape sequences.
    pub fn styled(&self) -> String {
        self.pieces
            .iter()
            .map(|(style, text)| {
                if *style == Style::new() {
                    text.clone()
                } else {
                    format!("{style}{text}{style:#}")
                }
            })
            .collect()
    }

    /// How many columns a text of one line takes.
    pub fn own_width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| text.chars().count()).sum()
    }

    fn words(&self) -> Vec<Word> {
        let mut words = Vec::new();
        let mut word = Text::default();
        for (style, text) in &self.pieces {
            for letter in text.chars() {
                if !letter.is_whitespace() {
                    word.push(*style, letter.encode_utf8(&mut [0; 4]));
                    continue;
                }
                if !word.pieces.is_empty() {
                    words.push(Word::Of(std::mem::take(&mut word)));
                }
                if letter == '\n' {
                    words.push(Word::Break);
                }
            }
        }
        if !word.pieces.is_empty() {
            words.push(Word::Of(word));
        }
        words
    }

    /// A word that is too long for any line has to be cut.
    fn cut(self, width: usize) -> Vec<Text> {
        if self.own_width() <= width {
            return vec![self];
        }
        let mut parts = vec![Text::default()];
        for (style, text) in &self.pieces {
            for letter in text.chars() {
                if parts.last().is_some_and(|part| part.own_width() >= width.max(1)) {
                    parts.push(Text::default());
                }
                if let Some(part) = parts.last_mut() {
                    part.push(*style, letter.encode_utf8(&mut [0; 4]));
                }
            }
        }
        parts
    }
}

enum Word {
    Of(Text),
    Break,
}

fn place(lines: &mut Vec<Text>, word: Text, width: usize) {
    let Some(line) = lines.last_mut() else { return };
    if line.pieces.is_empty() {
        *line = word;
    } else if line.own_width() + 1 + word.own_width() <= width {
        // The space between two words of one style belongs to that style.
        let style = match (line.pieces.last(), word.pieces.first()) {
            (Some((before, _)), Some((after, _))) if before == after => *before,
            _ => Style::new(),
        };
        line.push(style, " ");
        for (style, piece) in &word.pieces {
            line.push(*style, piece);
        }
    } else {
        lines.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &Text, width: usize) -> Vec<String> {
        text.wrapped(width).iter().map(Text::styled).collect()
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(lines(&plain("one two  three"), 7), ["one two", "three"]);
    }

    #[test]
    fn a_list_has_its_last_word_set_apart() {
        assert_eq!(and(&["one"]), "one");
        assert_eq!(and(&["one", "two", "three"]), "one, two and three");
    }

    #[test]
    fn a_line_feed_always_breaks() {
        assert_eq!(lines(&plain("one\ntwo"), 80), ["one", "two"]);
    }

    #[test]
    fn a_word_that_fits_no_line_is_cut() {
        assert_eq!(lines(&plain("a abcdefgh"), 5), ["a", "abcde", "fgh"]);
    }

    #[test]
    fn a_word_may_change_its_style_half_way() {
        let bold = Style::new().bold();
        let mut text = plain("say ");
        text.push(bold, "yes or");
        text.push(Style::new(), ", no");
        let broken = text.wrapped(7);
        assert_eq!(broken[0].styled(), format!("say {bold}yes{bold:#}"));
        assert_eq!(broken[1].styled(), format!("{bold}or{bold:#}, no"));
    }
}
