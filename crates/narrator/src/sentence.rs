//! How a sentence is laid out: the actor in a column of its own, long sentences wrapped at words.

use crate::look::style_of;
use crate::text::harmless;

/// The widest line, whatever the terminal: what a projector and a page can show.
pub(crate) const WIDEST: usize = 80;

/// The column where the verb begins: `worker 99` and a space.
const VERB: usize = 10;

/// One sentence of a story.
#[derive(Clone, Debug)]
pub(crate) struct Sentence {
    pub(crate) actor: String,
    pub(crate) pid: Option<u32>,
    pub(crate) verb: String,
    pub(crate) object: String,
    /// Whom it is meant for, where the words do not name him.
    pub(crate) to: Option<String>,
    /// It is for the record and the picture alone.
    pub(crate) aside: bool,
}

/// What the layout depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Columns that a line may take.
    pub(crate) width: usize,
    /// With `--pids`: how many digits the pid column is made for.
    pub(crate) pid_digits: Option<usize>,
    /// Whether the actor is coloured.
    pub(crate) coloured: bool,
}

impl Layout {
    /// The column where the verb begins, counted from 0.
    fn verb_column(&self) -> usize {
        match self.pid_digits {
            Some(digits) => VERB + " []".len() + digits,
            None => VERB,
        }
    }

    fn paint(&self, actor: &str, label: &str) -> String {
        if self.coloured {
            let style = style_of(actor);
            format!("{style}{label}{style:#}")
        } else {
            label.to_owned()
        }
    }
}

impl Sentence {
    /// Everything that it says, in one line.
    pub(crate) fn text(&self) -> String {
        format!("{} {} {}", self.actor, self.verb, self.object).trim_end().to_owned()
    }

    /// How many bytes its words take.
    pub(crate) fn size(&self) -> usize {
        let to = self.to.as_ref().map_or(0, String::len);
        self.actor.len() + self.verb.len() + self.object.len() + to
    }

    /// The lines of this sentence, without the last newline.
    pub(crate) fn lay_out(&self, layout: &Layout) -> String {
        let width = layout.width.max(1);
        let column = layout.verb_column();
        // On a terminal too narrow for the indent, half of it must do.
        let indent = column.min(width / 2);

        let label = self.label(layout);
        let label_width = label.chars().count();
        let head = column.max(label_width + 1);
        let text = harmless(&format!("{} {}", self.verb, self.object));
        let text = text.trim();

        let mut lines = Vec::new();
        let rest = if text.is_empty() || head >= width {
            // No room beside the actor: it has its own line, or more if it is longer than that.
            lines.extend(wrap(&label, width, width).iter().map(|l| layout.paint(&self.actor, l)));
            if text.is_empty() { vec![] } else { wrap(text, width - indent, width - indent) }
        } else {
            let mut parts = wrap(text, width - head, width - indent);
            let first = parts.remove(0); // `wrap` never returns nothing
            let padding = if first.is_empty() { 0 } else { head - label_width };
            lines.push(format!("{}{:padding$}{first}", layout.paint(&self.actor, &label), ""));
            parts
        };
        lines.extend(rest.iter().map(|line| format!("{:indent$}{line}", "")));
        lines.join("\n")
    }

    fn label(&self, layout: &Layout) -> String {
        let actor = harmless(&self.actor);
        match self.pid {
            Some(pid) if layout.pid_digits.is_some() => format!("{actor} [{pid}]"),
            _ => actor,
        }
    }
}

/// Breaks a text at its spaces into lines of at most `first`, then `room` characters (not 0).
/// A word longer than a line is broken wherever the line ends.
pub(crate) fn wrap(text: &str, first: usize, room: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut rest = &characters[..];
    let mut lines = Vec::new();
    let mut space = first;
    while rest.len() > space {
        // Whatever is longer than a line is too long, however long it is.
        let word = rest.iter().take(room + 1).position(|&c| c == ' ').unwrap_or(rest.len());
        let end = match rest[..=space].iter().rposition(|&c| c == ' ') {
            Some(last_space) => last_space,
            None if space < word && word <= room => 0, // fits on the next line as a whole
            None => space,
        };
        let line: String = rest[..end].iter().collect();
        lines.push(line.trim_end().to_owned());
        rest = &rest[end..];
        while let [' ', after @ ..] = rest {
            rest = after;
        }
        space = room;
    }
    lines.push(rest.iter().collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Layout = Layout { width: WIDEST, pid_digits: None, coloured: false };

    fn sentence(actor: &str, verb: &str, object: &str) -> Sentence {
        Sentence {
            actor: actor.into(),
            pid: None,
            verb: verb.into(),
            object: object.into(),
            to: None,
            aside: false,
        }
    }

    fn laid_out(actor: &str, verb: &str, object: &str, width: usize) -> String {
        sentence(actor, verb, object).lay_out(&Layout { width, ..PLAIN })
    }

    #[test]
    fn the_verb_starts_at_column_eleven() {
        assert_eq!(laid_out("primary", "forks", "worker 1", 80), "primary   forks worker 1");
        assert_eq!(laid_out("worker 12", "is", "online", 80), "worker 12 is online");
        assert_eq!(laid_out("worker 123", "is", "online", 80), "worker 123 is online");
    }

    #[test]
    fn an_empty_object_leaves_no_trailing_space() {
        assert_eq!(laid_out("worker 1", "is online", "", 80), "worker 1  is online");
        assert_eq!(laid_out("worker 1", "says:", "hi\n", 80), "worker 1  says: hi");
        assert_eq!(laid_out("worker 1", "", "", 80), "worker 1");
    }

    #[test]
    fn long_sentences_wrap_at_words_under_the_verb() {
        assert_eq!(
            laid_out("worker 1", "answers:", "one two three four", 24),
            "worker 1  answers: one\n          two three four"
        );
    }

    #[test]
    fn a_sentence_of_exactly_the_width_stays_on_one_line() {
        let object = "x".repeat(80 - 15);
        assert_eq!(laid_out("worker 1", "says", &object, 80).chars().count(), 80);
        assert!(!laid_out("worker 1", "says", &object, 80).contains('\n'));
        assert!(laid_out("worker 1", "says", &format!("{object}y"), 80).contains('\n'));
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken() {
        assert_eq!(
            laid_out("worker 1", "says", &"x".repeat(25), 20),
            "worker 1  says\n          xxxxxxxxxx\n          xxxxxxxxxx\n          xxxxx"
        );
    }

    #[test]
    fn spaces_within_a_line_are_kept_and_those_at_a_break_are_not() {
        assert_eq!(laid_out("a", "is", "x  y", 80), "a         is x  y");
        assert_eq!(laid_out("a", "12345", "   y", 16), "a         12345\n        y");
    }

    #[test]
    fn no_width_breaks_the_layout_and_no_line_is_too_wide() {
        for width in 0..100 {
            for actor in ["", "primary", "worker 1", "a rather long actor", "世界"] {
                for object in ["", "a b c d e f g h i j k l m n o p", &"long".repeat(40), "größe"]
                {
                    let text = laid_out(actor, "tells", object, width);
                    for line in text.lines() {
                        assert!(line.chars().count() <= width.max(1), "{width}: {text}");
                        assert_eq!(line, line.trim_end());
                    }
                    let letters = |t: &str| t.chars().filter(|c| *c != ' ').collect::<String>();
                    let expected = format!("{actor}tells{object}");
                    assert_eq!(letters(&text.replace('\n', "")), letters(&expected));
                }
            }
        }
    }

    #[test]
    fn pids_widen_the_column_for_everybody() {
        let layout = Layout { pid_digits: Some(4), ..PLAIN };
        let mut known = sentence("worker 1", "is online", "");
        known.pid = Some(4711);
        assert_eq!(known.lay_out(&layout), "worker 1 [4711]  is online");
        assert_eq!(known.lay_out(&PLAIN), "worker 1  is online");
        let unknown = sentence("visitor", "asks", "twice");
        assert_eq!(unknown.lay_out(&layout), "visitor          asks twice");
    }

    #[test]
    fn only_the_actor_is_coloured() {
        let text =
            sentence("worker 1", "is", "\x1b[2J").lay_out(&Layout { coloured: true, ..PLAIN });
        assert_eq!(text, "\x1b[36mworker 1\x1b[0m  is \\x1b[2J");
        let text = sentence("visitor", "is", "here").lay_out(&Layout { coloured: true, ..PLAIN });
        assert_eq!(text, "visitor   is here");
    }
}
