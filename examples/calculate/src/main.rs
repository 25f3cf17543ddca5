//! The lesson alone: `cargo run -p calculate`.

use std::process::ExitCode;

fn main() -> ExitCode {
    narrator::run(|| {
        let role = cluster::role()?; // first, before arguments and threads
        let args = narrator::arguments::<calculate::Args>(role.is_worker());
        calculate::run(role, args)
    })
}
