//! What there is to do: reading and hashing files, counting primes, and three
//! ways to go wrong.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::mishap::Mishap;

/// One task, as the primary sends it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Reads and hashes the files with these numbers.
    Hash(PathBuf, Range<u32>),
    /// Counts the primes in this range.
    Primes(Range<u32>),
    /// Goes wrong.
    GoWrong(Mishap),
}

pub(crate) const FILES: u32 = 300;
/// How large each of the files is.
pub(crate) const SIZE: usize = 128 * 1024;

/// The primes below this number keep one thread busy for a moment.
const PRIMES: u32 = 2_000_000;
/// More than anybody has hands, so that who is quicker can take more of them.
const PIECES: u32 = 30;

impl Task {
    /// All files, in pieces.
    pub(crate) fn files(folder: &Path) -> Vec<Task> {
        let task = |files| Task::Hash(folder.to_owned(), files);
        pieces(FILES).map(task).collect()
    }

    /// All primes, in pieces.
    pub(crate) fn primes() -> Vec<Task> {
        pieces(PRIMES).map(Task::Primes).collect()
    }

    pub(crate) fn run(self) -> io::Result<u64> {
        match self {
            Task::Hash(folder, mut files) => files.try_fold(0, |sum, file| {
                let bytes = fs::read(path(&folder, file))?;
                Ok(hash(&bytes).wrapping_add(sum))
            }),
            Task::Primes(numbers) => {
                Ok(numbers.filter(|&number| is_prime(number)).count() as u64)
            }
            Task::GoWrong(mishap) => {
                mishap.happen();
                Ok(0)
            }
        }
    }
}

pub(crate) fn path(folder: &Path, file: u32) -> PathBuf {
    folder.join(file.to_string())
}

fn pieces(of: u32) -> impl Iterator<Item = Range<u32>> {
    let size = of.div_ceil(PIECES);
    let piece = move |start| start..of.min(start + size);
    (0..of).step_by(size as usize).map(piece)
}

/// FNV-1a: an exclusive or and a multiplication for each byte.
fn hash(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, &byte: &u8| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    };
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// Tries every divisor: nothing but a CPU can do it.
fn is_prime(number: u32) -> bool {
    let mut divisor = 2;
    while divisor * divisor <= number {
        if number.is_multiple_of(divisor) {
            return false;
        }
        divisor += 1;
    }
    number >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_25_primes_below_100() {
        assert_eq!(Task::Primes(0..100).run().unwrap(), 25);
        assert_eq!(Task::Primes(90..97).run().unwrap(), 0);
        assert_eq!(Task::Primes(97..98).run().unwrap(), 1);
    }

    #[test]
    fn the_hash_is_the_one_that_its_inventors_publish() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_pieces_are_all_there_is_and_nothing_twice() {
        for of in [1, 29, 30, 31, FILES, PRIMES] {
            let all: Vec<u32> = pieces(of).flatten().collect();
            assert!(all.iter().copied().eq(0..of), "{of}");
        }
    }
}
