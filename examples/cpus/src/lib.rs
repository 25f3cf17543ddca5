//! How many workers should there be?
