//! How do I know that a worker is up?
