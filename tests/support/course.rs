//! Where the lessons are, their files and their pages.

use std::fs;
use std::path::{Path, PathBuf};

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
