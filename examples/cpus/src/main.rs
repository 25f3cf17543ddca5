//! The lesson alone: `cargo run -p cpus`.

fn main() {}
