//! How a block gets new content with as few changed lines as possible.

use super::compare::{agree, key};
use super::varying::Mode;

/// The run's output, with every line as the page has it wherever that is still true.
pub fn placed(mode: Mode, page: &str, run: &str) -> String {
    if agree(mode, page, run) {
        return page.to_owned();
    }
    let in_the_page_s_order = keep(mode, page, run);
    if agree(mode, &in_the_page_s_order, run) {
        return in_the_page_s_order;
    }
    in_the_run_s_order(mode, page, run)
}

/// The page without what the run lacks, and with the rest of the run behind what it follows there.
fn keep(mode: Mode, page: &str, run: &str) -> String {
    let mut old: Vec<(&str, bool)> = page.lines().map(|line| (line, false)).collect();
    let mut after: Vec<Vec<&str>> = vec![Vec::new(); old.len() + 1];
    let mut place = 0; // behind so many lines of the page
    for line in run.lines() {
        let wanted = key(mode, line);
        let same = |(it, taken): &(&str, bool)| !taken && key(mode, it) == wanted;
        if let Some(at) = old.iter().position(same) {
            old[at].1 = true;
            place = at + 1;
        } else if mode != Mode::Varies || old.iter().all(|(it, _)| key(mode, it) != wanted) {
            after[place].push(line);
        }
    }
    let mut lines = std::mem::take(&mut after[0]);
    for ((line, taken), more) in old.into_iter().zip(&after[1..]) {
        lines.extend(taken.then_some(line));
        lines.extend(more);
    }
    lines.join("\n")
}

/// The longest common part stays as the page has it; all else is the run's.
fn in_the_run_s_order(mode: Mode, page: &str, run: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (page.lines().collect(), run.lines().collect());
    let keys = |lines: &[&str]| lines.iter().map(|line| key(mode, line)).collect::<Vec<_>>();
    let (old_keys, new_keys) = (keys(&old), keys(&new));
    // The length of the longest common part of what follows each pair of lines.
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            common[a][b] = match old_keys[a] == new_keys[b] {
                true => common[a + 1][b + 1] + 1,
                false => common[a + 1][b].max(common[a][b + 1]),
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    let mut lines = Vec::new();
    while b < new.len() {
        if a < old.len() && old_keys[a] == new_keys[b] {
            lines.push(old[a]);
            (a, b) = (a + 1, b + 1);
        } else if a < old.len() && common[a + 1][b] >= common[a][b + 1] {
            a += 1;
        } else {
            lines.push(new[b]);
            b += 1;
        }
    }
    lines.join("\n")
}
