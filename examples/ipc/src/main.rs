//! The lesson alone: `cargo run -p ipc`.

fn main() {}
