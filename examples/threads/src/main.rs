//! The lesson alone: `cargo run -p threads`.

use std::process::ExitCode;

fn main() -> ExitCode {
    narrator::run(|| {
        let role = cluster::role()?; // first, before arguments and threads
        let args = narrator::arguments::<threads::Args>(role.is_worker());
        threads::run(role, args)
    })
}
