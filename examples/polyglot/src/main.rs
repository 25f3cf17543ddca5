//! The lesson alone: `cargo run -p polyglot`.

use std::process::ExitCode;

fn main() -> ExitCode {
    narrator::run(|| {
        let role = cluster::role()?; // first, before arguments and threads
        let args = narrator::arguments::<polyglot::Args>(role.is_worker());
        polyglot::run(role, args)
    })
}
