//! How a lesson tells its story: one sentence per line, actor, verb, object.
//!
//! A lesson's primary begins a [`Story`] and tells it sentence by sentence. How the sentences reach
//! the person (slowly, step by step, with process ids, in a log) is up to the flags in [`Telling`],
//! which every lesson has.
//!
//! ```
//! use narrator::{Story, Telling};
//!
//! let story = Story::begin(&Telling::default())?;
//! story.tell("primary", "forks", "worker 1");
//! story.tell("worker 1", "is online", "");
//! story.end(); // waits until both are printed
//! # Ok::<(), narrator::Failure>(())
//! ```
//!
//! prints
//!
//! ```text
//! primary   forks worker 1
//! worker 1  is online
//! ```
//!
//! With `--record FILE` each sentence is also one JSON object on a line of FILE, written when it is
//! told, whatever the pace of the printing:
//!
//! ```text
//! {"number":1,"time_ms":0.072,"actor":"primary","pid":4710,"verb":"forks","object":"worker 1"}
//! ```
//!
//! `number` counts from 1, `time_ms` is the time in milliseconds since the story began, and `pid`
//! is there when the story knows it ([`Story::meet`]). The texts are as they were told, unescaped,
//! up to 4 KiB each. `to` names whom a sentence is meant for ([`Story::tell_to`]), and one that is
//! not printed has `"aside":true` ([`Story::aside`]).
//!
//! With `--picture ladder`, `tree` or `mermaid` the sentences are also drawn when all are told. A
//! sentence that names another actor is an arrow to it (`everybody`: to all workers that live). What a
//! worker does otherwise is an arrow to the primary, which has heard of it. All else is a note. A
//! picture has at most 14 steps; `--picture-of` chooses them: `forks,worker 1,-is online` takes what
//! contains `forks` or `worker 1`, but not `is online`.
//!
//! With `--predict` the story is held back until it is over. Then it is told with questions: what comes
//! next? Whoever answers, at a terminal or with lines on standard input, learns how many were right; if
//! nobody does, the questions are a sheet with the answers at the end.
//!
//! Four promises hold everywhere: the program's loop never waits for the terminal, each sentence is
//! one `write(2)` of whole lines, nothing that a worker sends can move the cursor or change
//! colours, and who does not read can neither fill the memory nor hold up the end: beyond 1 MiB
//! sentences are left out and counted, and a story that was told to [`hurry`](Story::hurry) waits
//! for its reader no longer than a second.

// On other systems the crate is empty, so that the `cluster` crate's error is the only one.
#![cfg(unix)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod backlog;
mod failure;
mod keyboard;
mod look;
mod pace;
mod picture;
mod predict;
mod printer;
mod program;
mod queue;
mod quiz;
mod record;
mod sentence;
mod stage;
mod step;
mod story;
mod telling;
mod text;

pub use failure::{Failure, Outcome};
pub use picture::{Choice, Diagram, Picture};
pub use program::{arguments, command, run};
pub use story::Story;
pub use telling::Telling;
