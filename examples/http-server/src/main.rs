//! The lesson alone: `cargo run -p http-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    narrator::run(|| {
        let role = cluster::role()?; // first, before arguments and threads
        let args = narrator::arguments::<http_server::Args>(role.is_worker());
        http_server::run(role, args)
    })
}
