//! How a lesson tells its story.
