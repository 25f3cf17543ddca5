//! The lesson alone: `cargo run -p fork`.

use std::process::ExitCode;

fn main() -> ExitCode {
    narrator::run(|| {
        let role = cluster::role()?; // first, before arguments and threads
        let args = narrator::arguments::<fork::Args>(role.is_worker());
        fork::run(role, args)
    })
}
