//! What lessons that serve have in common: a [`Service`] that its primary keeps up until somebody
//! asks for the end (`--stay`), the words for why none can begin, and a primary that goes on while
//! somebody waits.

// On other systems the crate is empty, so that the `cluster` crate's error is the only one.
#![cfg(target_os = "linux")]

mod end;
mod keeping;
mod listening;
mod meanwhile;
mod service;

pub use end::{not_clean, tell_exit, tell_report};
pub use keeping::Keeping;
pub use listening::{advise, is_taken};
pub use meanwhile::meanwhile;
pub use service::Service;
