//! Blocks of code, compared with the region of the file that they name.

use std::fs;

use super::Fence;
use crate::support::root;

/// Compares a block that names its source; others are none of ours.
pub fn check(fence: &Fence) -> Result<(), String> {
    let Some((file, anchor)) = fence.source() else { return Ok(()) };
    let path = root().join(file);
    let text = fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
    let region = region(&text, anchor).ok_or_else(|| format!("{file} has no anchor {anchor}"))?;
    if region == fence.text {
        return Ok(());
    }
    Err(format!(
        "differs from {file}#{anchor}\n--- the page\n{}\n--- the source\n{region}",
        fence.text
    ))
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
