//! Changes a block by one character, somewhere where nothing may vary.

use super::varying::pieces;
use super::{Fence, captured};
use crate::story::MARGIN;

/// A block with one other character, and where that is.
pub struct Mutant {
    pub fence: Fence,
    pub line: usize,
    pub what: String,
}

/// So many mutants of a block, always the same ones.
pub fn mutants(fence: &Fence, count: usize) -> Vec<Mutant> {
    let places = places(fence);
    if places.is_empty() {
        return Vec::new();
    }
    let mut chance = 0x9e37_79b9_7f4a_7c15 ^ fence.text.len() as u64;
    let mut next = || {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        places[(chance % places.len() as u64) as usize]
    };
    (0..count).filter_map(|_| mutant(fence, next())).collect()
}

/// Every character that must be as it is: line and offset. Commands are not among them: they are
/// run, not compared.
fn places(fence: &Fence) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = fence.text.lines().collect();
    if fence.source().is_some() {
        return all_of(&lines, |_| true);
    }
    let (Ok(mode), Ok(parts)) = (captured::mode(fence), captured::parts(fence)) else {
        return Vec::new();
    };
    let is_output = |at: usize| {
        parts.iter().any(|(line, text)| (*line..line + text.lines().count()).contains(&at))
    };
    all_of(&lines, is_output)
        .into_iter()
        .filter(|(line, offset)| {
            let text = lines[*line];
            let varying = pieces(text, mode, text.starts_with(MARGIN));
            let is_margin = text.starts_with(MARGIN) && *offset < MARGIN.len();
            !is_margin && varying.iter().all(|piece| !piece.contains(offset))
        })
        .collect()
}

fn all_of(lines: &[&str], which: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let lines = lines.iter().enumerate().filter(|(at, _)| which(*at));
    lines.flat_map(|(at, line)| line.char_indices().map(move |(offset, _)| (at, offset))).collect()
}

fn mutant(fence: &Fence, (at, offset): (usize, usize)) -> Option<Mutant> {
    let mut lines: Vec<String> = fence.text.lines().map(str::to_owned).collect();
    let old = lines[at][offset..].chars().next()?;
    let new = match old {
        '9' => '8',
        '0'..='8' => char::from(old as u8 + 1),
        'q' => 'x',
        _ => 'q',
    };
    lines[at].replace_range(offset..offset + old.len_utf8(), &new.to_string());
    let what = format!("{old:?} to {new:?} in: {}", lines[at]);
    let text = lines.join("\n");
    Some(Mutant { fence: Fence { text, ..fence.clone() }, line: fence.line + at, what })
}
