//! What lessons that serve have in common: a [`Service`] that its primary keeps up until somebody
//! asks for the end (`--stay`), the words for why none can begin and for how workers ended, and a
//! primary that goes on while somebody waits.

// On other systems the crate is empty, so that the `cluster` crate's error is the only one.
#![cfg(target_os = "linux")]

mod beginning;
mod end;
mod first;
mod meanwhile;
mod service;

pub use beginning::{advise, cannot_begin, is_taken};
pub use end::{
    Ends, ended, not_clean, tell_exit, tell_report, tell_stopped, who_did_not_leave, why,
};
pub use first::reap_as_first_process;
pub use meanwhile::meanwhile;
pub use service::Service;
