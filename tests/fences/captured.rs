//! What all the commands of all pages print, run once for all tests.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use super::compare::{agree, first_difference};
use super::merge::placed;
use super::varying::Mode;
use super::{Fence, Page, Wrong, console, pages, picture, shell};

/// Most lessons wait most of the time.
const AT_ONCE: usize = 4;

/// Where workers act at the same time, one run may have been lucky.
const RUNS: usize = 5;

/// A block with what its commands printed, run by run.
pub struct Captured {
    pub page: Page,
    /// Which block of the page.
    pub at: usize,
    pub runs: Vec<Result<Vec<String>, String>>,
}

/// All blocks that are run. The first test to ask runs them.
pub fn all() -> &'static [Captured] {
    static ALL: OnceLock<Vec<Captured>> = OnceLock::new();
    ALL.get_or_init(|| {
        let pages = pages().into_iter();
        let blocks = pages.flat_map(|page| {
            let count = page.fences.len();
            (0..count).map(move |at| Captured { page: page.clone(), at, runs: Vec::new() })
        });
        run(blocks.filter(|block| is_run(block.fence())).collect())
    })
}

/// Runs blocks, several at once, as often as each needs.
fn run(mut blocks: Vec<Captured>) -> Vec<Captured> {
    let jobs = blocks.iter().enumerate();
    let jobs = jobs.flat_map(|(at, block)| vec![at; runs(block.fence())]);
    let (jobs, done): (Mutex<VecDeque<usize>>, _) =
        (Mutex::new(jobs.collect()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                while let Some(at) = next() {
                    // Who waits in vain for a program panics: that is a failure of this block
                    // alone.
                    let told = catch_unwind(AssertUnwindSafe(|| run_once(blocks[at].fence())));
                    let told = told.unwrap_or_else(|_| Err("does not end, see above".to_owned()));
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, told));
                }
            });
        }
    });
    for (at, told) in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
        blocks[at].runs.push(told);
    }
    blocks
}

fn is_run(fence: &Fence) -> bool {
    let commands = match picture::command(fence) {
        Some(command) => command,
        None if console::is_console(fence) => fence.text.clone(),
        None => return false,
    };
    shell::is_missing(&commands).is_none()
}

fn runs(fence: &Fence) -> usize {
    let runs = std::env::var("PAGES_RUNS").ok().and_then(|runs| runs.parse().ok());
    if mode(fence) == Ok(Mode::PerWorker) { runs.unwrap_or(RUNS).max(1) } else { 1 }
}

pub fn run_once(fence: &Fence) -> Result<Vec<String>, String> {
    match picture::command(fence) {
        Some(command) => picture::draw(&command).map(|diagram| vec![diagram]),
        None => console::run(fence),
    }
}

pub fn mode(fence: &Fence) -> Result<Mode, String> {
    if picture::command(fence).is_some() { Ok(picture::mode(fence)) } else { console::mode(fence) }
}

/// The parts of a block that are compared: where each begins, and its text.
pub fn parts(fence: &Fence) -> Result<Vec<(usize, String)>, String> {
    if picture::command(fence).is_some() {
        return Ok(vec![(0, fence.text.clone())]);
    }
    Ok(console::steps(&fence.text)?.into_iter().map(|step| (step.line, step.output)).collect())
}

impl Captured {
    pub fn fence(&self) -> &Fence {
        &self.page.fences[self.at]
    }

    /// Compares the block with every run.
    pub fn check(&self) -> Option<Wrong> {
        self.runs.iter().find_map(|told| compare(self.fence(), told))
    }
}

/// Compares a block with one run of its commands.
pub fn compare(fence: &Fence, told: &Result<Vec<String>, String>) -> Option<Wrong> {
    let failed = |why: String| Wrong { line: fence.line, why, fresh: None };
    let (mode, parts, told) = match (mode(fence), parts(fence), told) {
        (Ok(mode), Ok(parts), Ok(told)) => (mode, parts, told),
        (Err(why), ..) | (_, Err(why), _) => return Some(failed(why)),
        (.., Err(why)) => return Some(failed(why.clone())),
    };
    let differs = |((_, page), run): &(&(usize, String), &String)| !agree(mode, page, run);
    let ((line, page), run) = parts.iter().zip(told).find(differs)?;
    let line = fence.line + line + first_difference(mode, page, run);
    let why = format!(
        "{} does not print what the page shows ({mode:?}; what may vary: PAGES_VARYING=1)\n\
         --- the page\n{page}\n--- the run\n{run}",
        picture::command(fence).unwrap_or_else(|| "the command".to_owned()),
    );
    Some(Wrong { line, why, fresh: Some(fresh(fence, mode, &parts, told)) })
}

fn fresh(fence: &Fence, mode: Mode, parts: &[(usize, String)], told: &[String]) -> String {
    let new = parts.iter().zip(told).map(|((_, page), run)| placed(mode, page, run));
    let new: Vec<String> = new.collect();
    match (picture::command(fence), console::steps(&fence.text)) {
        (None, Ok(steps)) => console::with_outputs(&steps, &new),
        _ => new.join("\n"),
    }
}
