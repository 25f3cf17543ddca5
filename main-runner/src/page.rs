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

    /// The names of the exercises, in order: each begins an item below `## Exercises`.
    pub fn exercises(&self) -> Vec<&'a str> {
        let section = self.body.split("\n## ").find_map(|text| text.strip_prefix("Exercises\n"));
        let name = |line: &'a str| line.strip_prefix("* `")?.split('`').next();
        section.unwrap_or_default().lines().filter_map(name).collect()
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
    fn exercises_are_the_items_of_their_section() {
        let body = "\n## Run\n* `ipc`: no\n\n## Exercises\n* `a-b` (make): why\n* `c`: `d`\n\n`e`\n\n## F\n* `g`\n";
        assert_eq!(Page { body, ..Page::default() }.exercises(), ["a-b", "c"]);
        assert_eq!(Page::default().exercises(), [""; 0]);
    }

    #[test]
    fn a_page_without_front_matter_is_all_body() {
        assert_eq!(Page::parse("# Hello\n").body, "# Hello\n");
    }
}
