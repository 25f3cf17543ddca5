//! The lesson alone: `cargo run -p fork`.

fn main() {}
