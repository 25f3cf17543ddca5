//! Node's `cluster`, in Rust.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "cluster runs on Linux (it stands on signalfd and pidfd); on Windows, use WSL: https://learn.microsoft.com/windows/wsl"
);

mod address;
mod channel;
mod error;
mod exit;
mod handle;
mod id;
mod message;
mod policy;
mod primary;
mod restart;
mod role;
mod settings;
mod spawn;
mod sys;
mod time;
mod wire;
mod worker;

pub use nix::sys::signal::Signal;
pub use serde_json::{Value, json};

pub use address::Address;
pub use error::{Error, SendError};
pub use exit::Exit;
pub use handle::{Handle, HandleKind};
pub use id::WorkerId;
pub use message::Message;
pub use policy::SchedulingPolicy;
pub use primary::{Event, Primary, Report, Sent, State, Waker, die_of};
pub use restart::RestartPolicy;
#[allow(deprecated)]
pub use role::is_master;
pub use role::{Role, is_primary, is_worker, role};
pub use settings::{Settings, Stdio};
pub use worker::{Listen, Listener, Worker, WorkerEvent};

pub(crate) use time::time_left;
