//! Where the lessons are, their files and their pages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("lessons").is_dir())
        .expect("every package lives in the workspace")
        .to_owned()
}

/// The names of all lessons, from their folders.
pub fn lessons() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root().join("examples"))
        .expect("there are lessons")
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// A file of a lesson; it may not exist.
pub fn lesson_file(lesson: &str, file: &str) -> PathBuf {
    root().join("examples").join(lesson).join(file)
}

/// The page of a lesson.
pub fn page(lesson: &str) -> String {
    let path = root().join("lessons").join(format!("{lesson}.md"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const NEED_NODE: [&str; 1] = ["polyglot"];
const OLDEST_NODE: u32 = 20;

/// Whether the lesson needs Node to run.
pub fn needs_node(lesson: &str) -> bool {
    NEED_NODE.contains(&lesson)
}

/// Whether this machine has what the lesson needs. Where Node is missing, tests leave the lesson
/// out; with `REQUIRE_NODE` set they do not, and fail.
pub fn runs_here(lesson: &str) -> bool {
    let required = std::env::var_os("REQUIRE_NODE").is_some();
    !needs_node(lesson) || required || node_is_here().is_ok()
}

/// Whether a Node that is new enough can be started; otherwise why not.
pub fn node_is_here() -> Result<(), &'static str> {
    let output = Command::new("node").arg("--version").output().map_err(|_| "needs Node")?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    let major = version.trim().trim_start_matches('v').split('.').next().map(str::parse::<u32>);
    match major {
        Some(Ok(major)) if major >= OLDEST_NODE => Ok(()),
        _ => Err("needs Node 20 or newer"),
    }
}
