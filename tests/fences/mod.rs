//! The pages, taken apart into their fenced blocks.

pub mod background;
pub mod captured;
pub mod compare;
pub mod console;
pub mod links;
pub mod merge;
pub mod mutate;
pub mod picture;
pub mod shell;
pub mod source;
pub mod tables;
pub mod varying;

use std::fs;

use crate::support::root;

/// A page of the course.
#[derive(Clone)]
pub struct Page {
    /// Its file, as seen from the workspace.
    pub file: String,
    pub fences: Vec<Fence>,
}

/// A fenced block.
#[derive(Clone)]
pub struct Fence {
    /// Where its first line of content stands.
    pub line: usize,
    /// What follows the three backquotes.
    pub info: String,
    pub text: String,
}

/// A block that says something else than its source or its command.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// The first line that is not true.
    pub line: usize,
    /// What is wrong, what the page says, and what is so.
    pub why: String,
    /// What the block should be.
    pub fresh: Option<String>,
}

/// All pages, the lessons' and the others, in alphabetical order.
pub fn pages() -> Vec<Page> {
    let folder = fs::read_dir(root().join("lessons")).expect("there are pages");
    let names = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut files: Vec<String> =
        names.filter(|name| name.ends_with(".md")).map(|name| format!("lessons/{name}")).collect();
    files.sort();
    files.iter().map(|file| Page::read(file, &text_of(file))).collect()
}

/// The text of a file of the workspace.
pub fn text_of(file: &str) -> String {
    let path = root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Page {
    pub fn read(file: &str, text: &str) -> Page {
        let mut fences = Vec::new();
        let mut lines = (1..).zip(text.lines());
        while let Some((number, line)) = lines.next() {
            let Some(info) = line.strip_prefix("```") else { continue };
            let body: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            let text = body.join("\n");
            fences.push(Fence { line: number + 1, info: info.trim().to_owned(), text });
        }
        Page { file: file.to_owned(), fences }
    }
}

impl Fence {
    /// `rust`, `console`, …
    pub fn kind(&self) -> &str {
        self.info.split(' ').next().unwrap_or_default()
    }

    /// What stands behind the kind.
    pub fn rest(&self) -> impl Iterator<Item = &str> {
        self.info.split(' ').skip(1)
    }

    /// Whether a test looks at it.
    pub fn is_checked(&self) -> bool {
        match self.kind() {
            "console" => true,
            "mermaid" => picture::command(self).is_some(),
            _ => self.source().is_some(),
        }
    }

    /// The file and the anchor that a block of code comes from.
    pub fn source(&self) -> Option<(&str, &str)> {
        let is_code = !matches!(self.kind(), "console" | "mermaid");
        self.rest().find_map(|word| word.split_once('#')).filter(|_| is_code)
    }
}

/// The page's text with another content of one block, and nothing else changed.
pub fn with_block(text: &str, at: usize, content: &str) -> String {
    let page = Page::read("", text);
    let fence = &page.fences[at];
    let lines: Vec<&str> = text.split('\n').collect();
    let (before, rest) = lines.split_at(fence.line - 1);
    let length = if fence.text.is_empty() { 0 } else { fence.text.split('\n').count() };
    let content: Vec<&str> = content.split('\n').collect();
    [before, &content, &rest[length..]].concat().join("\n")
}
