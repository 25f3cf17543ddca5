//! The lesson alone: `cargo run -p scheduling`.

use std::process::ExitCode;

fn main() -> ExitCode {
    narrator::run(|| {
        let role = cluster::role()?; // first, before arguments and threads
        let args = narrator::arguments::<scheduling::Args>(role.is_worker());
        scheduling::run(role, args)
    })
}
