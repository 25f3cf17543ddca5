//! Opens the folds of a page: HTML goes, what was folded stays, a summary becomes a heading.

/// What is left of a piece of HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The line that the reader would click on.
    Summary(String),
    /// Text between the tags.
    Text(String),
}

/// Takes a block of HTML apart.
pub fn open(html: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once("<summary>") {
        parts.extend(words(before).map(Part::Text));
        let (summary, after) = after.split_once("</summary>").unwrap_or((after, ""));
        parts.extend(words(summary).map(Part::Summary));
        rest = after;
    }
    parts.extend(words(rest).map(Part::Text));
    parts
}

/// The text of a piece of HTML without tags and comments, if there is any.
fn words(html: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let end = if after.starts_with("!--") { "-->" } else { ">" };
        rest = after.split_once(end).map_or("", |(_, rest)| rest);
    }
    text.push_str(rest);
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_becomes_a_heading_and_the_tags_go() {
        assert_eq!(
            open("<details>\n<summary><b>A</b> hint</summary>\nLook &lt;up&gt;.\n"),
            [Part::Summary("A hint".to_owned()), Part::Text("Look <up>.".to_owned())]
        );
        assert_eq!(open("</details>\n"), []);
    }

    #[test]
    fn comments_are_not_shown() {
        assert_eq!(open("<!-- a > b -->\n"), []);
    }
}
