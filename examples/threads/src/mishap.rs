//! Three ways in which one task can hurt the others.

use std::hint::black_box;

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// How a task goes wrong.
#[derive(
    clap::ValueEnum, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq,
)]
pub enum Mishap {
    /// It ends its process by abort(3), as C libraries do when all is lost
    Abort,
    /// It calls itself until its stack is full
    Overflow,
    /// It keeps 32 MiB, and never gives them back
    Leak,
}

pub(crate) const ALL: [Mishap; 3] =
    [Mishap::Abort, Mishap::Overflow, Mishap::Leak];

const MIB: usize = 1024 * 1024;
const LEAK: usize = 32 * MIB;
/// The usual stack of a main thread. Others have 2 MiB in Rust.
const STACK: u64 = 8 * MIB as u64;

impl Mishap {
    /// As the primary announces it.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Mishap::Abort => "abort",
            Mishap::Overflow => "overflow its stack",
            Mishap::Leak => "leak 32 MiB",
        }
    }

    pub(crate) fn happen(self) {
        match self {
            Mishap::Abort => {
                no_core_file();
                std::process::abort()
            }
            Mishap::Overflow => {
                no_core_file();
                bound_the_stack();
                black_box(dig(0));
            }
            Mishap::Leak => {
                Box::leak(black_box(vec![1_u8; LEAK]).into_boxed_slice());
            }
        }
    }
}

/// This death is on purpose: nobody needs a core file of it.
fn no_core_file() {
    let _ = prctl::set_dumpable(false); // if it fails, there may be one
}

/// Each call takes a kilobyte of the stack, and none returns.
fn dig(depth: u64) -> u64 {
    let room = black_box([depth; 128]);
    if depth == u64::MAX { 0 } else { dig(depth + 1) + room[0] }
}

/// A main thread's stack may be unlimited, and would take all memory.
fn bound_the_stack() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_STACK) {
        // If it fails, the limit stays as it was.
        let _ = setrlimit(Resource::RLIMIT_STACK, soft.min(STACK), hard);
    }
}
