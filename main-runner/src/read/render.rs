//! Renders Markdown as lines for a terminal.

use anstyle::Style;
use narrator::Diagram;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::folds::{self, Part};
use crate::grid::{self, Tall};
use crate::text::Text;

/// The lines of a page, at most `width` columns each; code is never broken.
pub fn lines(markdown: &str, width: usize) -> Vec<String> {
    let mut page = Page { width, ..Page::default() };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.take(event);
    }
    page.list_links();
    page.lines
}

/// The page as far as it has been rendered.
#[derive(Default)]
struct Page {
    width: usize,
    lines: Vec<String>,
    /// The paragraph, heading or cell that is being read.
    text: Text,
    bold: usize,
    italic: usize,
    /// What stands before each line: bullets and quotes, outermost first.
    margins: Vec<Margin>,
    lists: Vec<List>,
    /// The code block or HTML block that is being read, with what its fence says.
    verbatim: Option<(String, String)>,
    rows: Vec<Vec<Text>>,
    link: String,
    links: Vec<String>,
}

/// A list that is open.
struct List {
    /// The number of its next item, if it is numbered.
    next: Option<u64>,
    /// The line it begins with.
    first_line: usize,
}

#[derive(Default)]
struct Margin {
    /// Stands before the first line only.
    marker: Option<String>,
    rest: String,
}

impl Page {
    fn take(&mut self, event: Event) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) => match &mut self.verbatim {
                Some((_, block)) => block.push_str(&text),
                None => self.say(&text),
            },
            Event::Code(text) => self.say(&format!("`{text}`")),
            Event::InlineHtml(tag) if tag.starts_with("<br") => self.say("\n"),
            Event::SoftBreak => self.say(" "),
            Event::HardBreak => self.say("\n"),
            Event::Rule => {
                self.gap();
                self.line(&"-".repeat(self.room()));
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::Paragraph => self.gap(),
            Tag::Heading { .. } => {
                self.gap();
                self.bold += 1;
            }
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            Tag::Link { dest_url, .. } => self.link = dest_url.into_string(),
            Tag::BlockQuote(_) => {
                self.gap();
                self.margins.push(Margin { marker: None, rest: "| ".to_owned() });
            }
            Tag::List(first) => {
                self.flush();
                if self.lists.is_empty() {
                    self.gap();
                }
                self.lists.push(List { next: first, first_line: self.lines.len() });
            }
            Tag::Item => {
                let marker = self.marker();
                let rest = " ".repeat(marker.len());
                self.margins.push(Margin { marker: Some(marker), rest });
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.verbatim = Some((info, String::new()));
            }
            Tag::HtmlBlock => self.verbatim = Some(Default::default()),
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.flush(),
            TagEnd::Heading(level) => self.heading(level),
            TagEnd::Strong => self.bold -= 1,
            TagEnd::Emphasis => self.italic -= 1,
            TagEnd::Link => self.end_link(),
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.margins.pop();
            }
            TagEnd::Item => {
                self.flush();
                self.margins.pop();
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::CodeBlock => self.code(),
            TagEnd::HtmlBlock => self.html(),
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.text);
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                self.gap();
                let rows = std::mem::take(&mut self.rows);
                for line in grid::lines(&rows, self.room(), Tall::Apart) {
                    self.line(&line);
                }
            }
            _ => {}
        }
    }

    /// What stands before the next item of the list.
    fn marker(&mut self) -> String {
        let Some(list) = self.lists.last_mut() else { return String::new() };
        let marker = match &mut list.next {
            Some(number) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            None => "- ".to_owned(),
        };
        // After an item of several blocks the next one needs some distance.
        if self.lines[list.first_line..].iter().any(String::is_empty) {
            self.gap();
        }
        marker
    }

    fn say(&mut self, text: &str) {
        let mut style = Style::new();
        if self.bold > 0 || self.rows.len() == 1 {
            style = style.bold(); // the first row of a table is its heading
        }
        if self.italic > 0 {
            style = style.italic();
        }
        self.text.push(style, text);
    }

    fn heading(&mut self, level: HeadingLevel) {
        self.bold -= 1;
        let columns = self.text.width().min(self.room());
        self.flush();
        match level {
            HeadingLevel::H1 => self.line(&"=".repeat(columns)),
            HeadingLevel::H2 => self.line(&"-".repeat(columns)),
            _ => {}
        }
    }

    /// A link into the web gets a number; the addresses stand at the end of the page.
    fn end_link(&mut self) {
        let address = std::mem::take(&mut self.link);
        if !address.contains("://") {
            return; // a page beside this one
        }
        let at = self.links.iter().position(|known| *known == address).unwrap_or_else(|| {
            self.links.push(address);
            self.links.len() - 1
        });
        self.say(&format!(" [{}]", at + 1));
    }

    fn list_links(&mut self) {
        let links = std::mem::take(&mut self.links);
        if !links.is_empty() {
            self.gap();
        }
        for (at, address) in links.iter().enumerate() {
            self.text.push(Style::new(), &format!("[{}] {address}", at + 1));
            self.flush();
        }
    }

    fn code(&mut self) {
        let Some((info, code)) = self.verbatim.take() else { return };
        self.gap();
        let mut words = info.split_whitespace();
        if words.next() == Some("mermaid")
            && let Some(diagram) = Diagram::read(&code)
        {
            for line in diagram.ladder(self.room()) {
                self.line(&line);
            }
            return;
        }
        if let Some(source) = words.next().filter(|word| word.contains('/')) {
            let file = source.split('#').next().unwrap_or(source);
            self.text.push(Style::new().italic(), &format!("{file}:"));
            self.flush();
        }
        let widest = code.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        let indent = " ".repeat(self.room().saturating_sub(widest).min(4));
        for line in code.lines() {
            self.line(&format!("{indent}{line}"));
        }
    }

    fn html(&mut self) {
        let Some((_, html)) = self.verbatim.take() else { return };
        for part in folds::open(&html) {
            self.gap();
            match part {
                Part::Summary(summary) => self.text.push(Style::new().bold(), &summary),
                Part::Text(text) => self.text.push(Style::new(), &text),
            }
            self.flush();
        }
    }

    /// Ends the paragraph.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        if text.is_blank() {
            return;
        }
        for line in text.wrapped(self.room()) {
            self.line(&line.styled());
        }
    }

    /// An empty line before the next block, unless it begins the page or an item of a list.
    fn gap(&mut self) {
        self.flush();
        let begins_item = self.margins.last().is_some_and(|margin| margin.marker.is_some());
        if !begins_item && self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.line("");
        }
    }

    fn room(&self) -> usize {
        let taken: usize = self.margins.iter().map(|margin| margin.rest.len()).sum();
        self.width.saturating_sub(taken)
    }

    fn line(&mut self, content: &str) {
        let mut line = String::new();
        for margin in &mut self.margins {
            line.push_str(&margin.marker.take().unwrap_or_else(|| margin.rest.clone()));
        }
        line.push_str(content);
        self.lines.push(line.trim_end().to_owned());
    }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
