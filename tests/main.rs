//! The lessons through the runner, from outside.
