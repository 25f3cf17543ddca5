//! What lessons that serve have in common: a [`Service`] that its primary keeps up until somebody
//! asks for the end (`--stay`), the words for why none can begin and for how workers ended, and a
//! primary that goes on while somebody waits.

// On other systems the crate is empty, so that the `cluster` crate's error is the only one.
#![cfg(target_os = "linux")]

mod end;
mod first;
mod keeping;
mod listening;
mod meanwhile;
mod service;

pub use end::{
    Ends, ended, not_clean, tell_exit, tell_report, tell_stopped, who_did_not_leave, why,
};
pub use first::reap_as_first_process;
pub use keeping::Keeping;
pub use listening::{advise, is_taken};
pub use meanwhile::meanwhile;
pub use service::Service;
