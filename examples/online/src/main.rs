//! The lesson alone: `cargo run -p online`.

use std::process::ExitCode;

fn main() -> ExitCode {
    narrator::run(|| {
        let role = cluster::role()?; // first, before arguments and threads
        let args = narrator::arguments::<online::Args>(role.is_worker());
        online::run(role, args)
    })
}
