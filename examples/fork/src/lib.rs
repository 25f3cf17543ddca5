//! What does it mean to start a worker?
