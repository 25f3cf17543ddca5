//! Node on one side of the channel.

use std::path::PathBuf;
use std::process::Command;

use cluster::{Primary, Settings};

/// Node 20 or newer, or why not. With `REQUIRE_NODE` its absence is a failure.
pub fn node_20() -> Result<(), String> {
    let found = at_least(20, 0, "node 20 or newer");
    let required = std::env::var_os("REQUIRE_NODE").is_some();
    assert!(found.is_ok() || !required, "{}", found.unwrap_err());
    found
}

/// `reusePort` and `dropMaxConnection`: Node 22.12, 23.1.
pub fn reuse_port() -> Result<(), String> {
    at_least(22, 12, "node 22.12, which has reusePort and dropMaxConnection")
}

/// `maxConnections` 0 refuses all; in Node 20 it means no limit.
pub fn refuses_all() -> Result<(), String> {
    at_least(21, 0, "node 21, where maxConnections 0 refuses all")
}

/// Node's primary calls a fixed port by one name: nodejs/node #60141.
pub fn one_key_for_a_port() -> Result<(), String> {
    at_least(22, 22, "a node with nodejs/node #60141 (22.22, 24.12, 25.2)")
}

fn at_least(major: u32, minor: u32, what: &str) -> Result<(), String> {
    static VERSION: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let version = VERSION.get_or_init(|| {
        let output = Command::new("node").arg("--version").output();
        output.map_or(String::new(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    });
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|it| it.parse().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found >= (major, minor) { Ok(()) } else { Err(format!("needs {what}, found {version:?}")) }
}

pub fn script(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "node", name].iter().collect()
}

/// A primary in Node, whose workers are this program.
pub fn primary() -> Command {
    let mut node = Command::new("node");
    node.arg(script("conformance_primary.mjs"));
    node.env("WORKER", std::env::current_exe().unwrap());
    node
}

/// Makes Node the program of all workers.
pub fn set_up_workers(primary: &mut Primary) {
    let script = script("conformance_worker.mjs");
    primary.setup(Settings::new().exec("node").args([script]));
}
