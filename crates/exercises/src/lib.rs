//! Judges exercises: what a learner writes runs in a process of its own, with a time limit, and the answer comes in words.
//!
//! An exercise is a folder of a lesson: `exercise.rs` is the learner's, `solution.rs` is one way to do it, `hints.md` leads there, and
//! `check.rs` judges either of them. All exercises of a lesson are one test target, whose `main` is [`main`]:
//!
//! * As a test it proves that every solution solves its exercise, and that every starter that nobody has touched fails kindly.
//! * With the arguments `check NAME` it judges the learner's file, and says what it saw.
//!
//! A judge is a function that is given a role of the cluster and what the learner wrote. Since workers are the same program started
//! again, it plays their part, too:
//!
//! ```no_run
//! use cluster::{Error, Primary, Role};
//! use exercises::{Exercise, Verdict, same, stay};
//!
//! type ForkTwo = fn(&mut Primary) -> Result<(), Error>;
//!
//! fn judge(role: Role, fork_two: ForkTwo) -> Verdict {
//!     match role {
//!         Role::Worker(me) => stay(me),
//!         Role::Primary(mut primary) => {
//!             fork_two(&mut primary)?;
//!             same("workers", 2, primary.workers().count())
//!         }
//!     }
//! }
//! # mod exercise { pub fn fork_two(_: &mut cluster::Primary) -> Result<(), cluster::Error> { todo!() } }
//! # mod solution { pub use super::exercise::fork_two; }
//!
//! fn main() -> std::process::ExitCode {
//!     exercises::main(&[Exercise::new(file!(), judge, exercise::fork_two, solution::fork_two)])
//! }
//! ```

// On other systems the crate is empty, so that the `cluster` crate's error is the only one.
#![cfg(unix)]

mod chance;
mod diary;
mod finding;
mod outcome;
mod program;
mod run;
mod starters;
mod verdict;
mod words;

pub use chance::Chance;
pub use diary::Diary;
pub use program::{Exercise, main};
pub use verdict::{Events, Verdict, Wrong, same, stay};
