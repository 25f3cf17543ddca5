//! All of the crate: it stands on signalfd and pidfd, which Linux alone has.

pub(crate) mod address;
pub(crate) mod bind;
pub(crate) mod channel;
pub(crate) mod cpus;
pub(crate) mod eager;
pub(crate) mod error;
pub(crate) mod exit;
pub(crate) mod handle;
pub(crate) mod id;
pub(crate) mod message;
pub(crate) mod policy;
pub(crate) mod primary;
pub(crate) mod restart;
pub(crate) mod role;
pub(crate) mod settings;
pub(crate) mod spawn;
pub(crate) mod sys;
pub(crate) mod time;
pub(crate) mod wire;
pub(crate) mod worker;

pub use nix::sys::signal::Signal;
pub use serde_json::{Value, json};

pub use address::Address;
pub use cpus::available_parallelism;
pub use error::{Error, SendError};
pub use exit::Exit;
pub use handle::{Handle, HandleKind};
pub use id::WorkerId;
pub use message::Message;
pub use policy::SchedulingPolicy;
pub use primary::{Event, Primary, Report, Sent, State, Waker, die_of};
pub use restart::RestartPolicy;
// Deprecated from the start, and there all the same: much Node material uses the name.
#[allow(deprecated)]
pub use role::is_master;
pub use role::{Role, is_primary, is_worker, role};
pub use settings::{Settings, Stdio};
pub use worker::{Datagrams, Listen, Listener, Worker, WorkerEvent};

pub(crate) use time::time_left;
