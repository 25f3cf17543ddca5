//! A page, taken apart into its fenced blocks.

pub mod console;
pub mod source;

/// A lesson's page.
pub struct Page {
    pub fences: Vec<Fence>,
}

/// A fenced block.
pub struct Fence {
    /// Where its first line of content stands.
    pub line: usize,
    /// What follows the three backquotes.
    pub info: String,
    pub text: String,
}

impl Page {
    pub fn read(lesson: &str, text: &str) -> Page {
        let mut fences = Vec::new();
        let mut lines = (1..).zip(text.lines());
        while let Some((number, line)) = lines.next() {
            let Some(info) = line.strip_prefix("```") else { continue };
            let body: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            let text = body.join("\n");
            fences.push(Fence { line: number + 1, info: info.trim().to_owned(), text });
        }
        assert!(!fences.is_empty(), "lessons/{lesson}.md shows nothing");
        Page { fences }
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

    /// Whether a test looks at it. A diagram counts: it is drawn by hand until pictures come from the run.
    pub fn is_checked(&self) -> bool {
        match self.kind() {
            "console" | "mermaid" => true,
            _ => self.source().is_some(),
        }
    }

    /// The file and the anchor that a block of code comes from.
    pub fn source(&self) -> Option<(&str, &str)> {
        self.rest().find_map(|word| word.split_once('#'))
    }
}
