//! The lesson alone: `cargo run -p restart`.

use std::process::ExitCode;

fn main() -> ExitCode {
    narrator::run(|| {
        let role = cluster::role()?; // first, before arguments and threads
        let args = narrator::arguments::<restart::Args>(role.is_worker());
        restart::run(role, args)
    })
}
