//! Fuzzing of the channel's decoder. It is private to the crate, so its files are taken in by their
//! paths.

#![no_main]
// The way out, too, is in those files.
#![allow(dead_code, unused_imports)]

#[path = "../../src/handle.rs"]
mod handle;
#[path = "../../src/wire/test_oracle.rs"]
mod oracle;
#[path = "../../src/wire/mod.rs"]
mod wire;

use handle::HandleKind;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracle::check(input));
