//! A lesson's page: front matter (title, question, minutes) and the text below it.

/// A page, split into what the table needs and what `read` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page<'a> {
    pub title: &'a str,
    pub question: &'a str,
    pub minutes: u32,
    /// The Markdown below the front matter.
    pub body: &'a str,
}

impl<'a> Page<'a> {
    /// Reads a page. What is missing stays empty; a test makes sure that nothing is.
    pub fn parse(text: &'a str) -> Page<'a> {
        let Some((matter, body)) =
            text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"))
        else {
            return Page { body: text, ..Page::default() };
        };
        let mut page = Page { body, ..Page::default() };
        for line in matter.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = unquoted(value.trim());
            match key.trim() {
                "title" => page.title = value,
                "question" => page.question = value,
                "minutes" => page.minutes = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        page
    }
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_taken_apart() {
        let page = Page::parse("---\ntitle: \"A: B\"\nquestion: Why?\nminutes: 10\n---\n\ntext\n");
        assert_eq!(page, Page { title: "A: B", question: "Why?", minutes: 10, body: "\ntext\n" });
    }

    #[test]
    fn a_page_without_front_matter_is_all_body() {
        assert_eq!(Page::parse("# Hello\n").body, "# Hello\n");
    }
}
