//! The lesson alone: `cargo run -p cpus`.

use std::process::ExitCode;

fn main() -> ExitCode {
    narrator::run(|| {
        let role = cluster::role()?; // first, before arguments and threads
        let args = narrator::arguments::<cpus::Args>(role.is_worker());
        cpus::run(role, args)
    })
}
