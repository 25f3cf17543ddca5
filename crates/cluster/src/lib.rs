//! Node's `cluster`, in Rust.
