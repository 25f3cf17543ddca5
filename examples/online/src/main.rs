//! The lesson alone: `cargo run -p online`.

fn main() {}
