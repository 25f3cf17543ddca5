//! The lesson alone: `cargo run -p ipc`.

use std::process::ExitCode;

fn main() -> ExitCode {
    narrator::run(|| {
        let role = cluster::role()?; // first, before arguments and threads
        let args = narrator::arguments::<ipc::Args>(role.is_worker());
        ipc::run(role, args)
    })
}
