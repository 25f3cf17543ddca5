//! The lesson alone: `cargo run -p shutdown`.

use std::process::ExitCode;

fn main() -> ExitCode {
    narrator::run(|| {
        let role = cluster::role()?; // first, before arguments and threads
        let args = narrator::arguments::<shutdown::Args>(role.is_worker());
        shutdown::run(role, args)
    })
}
