//! The lesson alone: `cargo run -p load-test`.

use std::process::ExitCode;

fn main() -> ExitCode {
    narrator::run(|| {
        let role = cluster::role()?; // first, before arguments and threads
        let args = narrator::arguments::<load_test::Args>(role.is_worker());
        load_test::run(role, args)
    })
}
