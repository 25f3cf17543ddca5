//! How do primary and worker talk?
