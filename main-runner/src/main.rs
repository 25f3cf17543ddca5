//! Runs a lesson by name.

fn main() {}
