//! Blocks of code, compared with the region of the file that they name.

use std::fs;

use super::{Fence, Wrong};
use crate::support::root;

/// Compares a block that names its source; others are none of ours.
pub fn check(fence: &Fence) -> Option<Wrong> {
    let (file, anchor) = fence.source()?;
    let wrong = |why: String| Some(Wrong { line: fence.line, why, fresh: None });
    let text = match fs::read_to_string(root().join(file)) {
        Ok(text) => text,
        Err(error) => return wrong(format!("{file}: {error}")),
    };
    let Some(region) = region(&text, anchor) else {
        return wrong(format!("{file} has no anchor {anchor}"));
    };
    if region == fence.text {
        return None;
    }
    let same = fence.text.lines().zip(region.lines()).take_while(|(page, now)| page == now).count();
    let why = format!(
        "differs from {file}#{anchor}\n--- the page\n{}\n--- the source\n{region}",
        fence.text
    );
    Some(Wrong { line: fence.line + same, why, fresh: Some(region) })
}

/// The lines between `ANCHOR: name` and `ANCHOR_END: name`, without other anchors, and moved to the left margin.
fn region(text: &str, anchor: &str) -> Option<String> {
    let is = |line: &str, mark: &str| line.trim() == format!("// {mark}: {anchor}");
    let mut lines = text.lines().skip_while(|line| !is(line, "ANCHOR"));
    lines.next()?;
    let region: Vec<&str> = lines
        .take_while(|line| !is(line, "ANCHOR_END"))
        .filter(|line| !line.trim().starts_with("// ANCHOR"))
        .collect();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let margin = region.iter().filter(|line| !line.trim().is_empty()).map(indent).min()?;
    let moved: Vec<&str> = region.iter().map(|line| line.get(margin..).unwrap_or("")).collect();
    Some(moved.join("\n"))
}
