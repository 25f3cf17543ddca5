//! The files, and the worker that keeps them: they are gone when it is.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

use cluster::{Signal, Worker};
use narrator::Outcome;
use nix::sys::signal::SigSet;

use crate::task::{FILES, SIZE, path};

const NAME: &str = "lesson-threads-";

/// Whatever ends the primary, Ctrl-C or even `kill -9`: its end of the channel
/// closes. Then `recv` says `None`, and this worker cleans up.
pub(crate) fn keep(mut me: Worker) -> Outcome {
    leave_to_primary(&[Signal::SIGTERM, Signal::SIGHUP])?;
    sweep(&env::temp_dir());
    let folder = Folder::new(&env::temp_dir())?;
    for file in 0..FILES {
        fs::write(path(&folder.0, file), vec![file as u8; SIZE])?;
    }
    // ANCHOR: keep
    me.send(&folder.0)?;
    while me.recv()?.is_some() {}
    Ok(()) // `folder` goes out of scope, and removes itself
    // ANCHOR_END: keep
}

/// These may come to the whole group. (The crate does it for SIGINT.)
fn leave_to_primary(signals: &[Signal]) -> nix::Result<()> {
    signals.iter().copied().collect::<SigSet>().thread_block()
}

/// A folder that is removed when it goes out of scope.
struct Folder(PathBuf);

impl Folder {
    fn new(place: &Path) -> io::Result<Folder> {
        let folder = place.join(format!("{NAME}{}", process::id()));
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now, the next run tries again.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes what an earlier keeper left because it was itself killed.
fn sweep(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let keeper = name.to_str().and_then(|name| name.strip_prefix(NAME));
        let Some(Ok(pid)) = keeper.map(str::parse::<u32>) else { continue };
        if !Path::new(&format!("/proc/{pid}")).exists() {
            let _ = fs::remove_dir_all(entry.path()); // it may be another's
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_whose_keeper_is_gone_is_swept_and_no_other() {
        let place = env::temp_dir();
        let place = place.join(format!("sweep-test-{}", process::id()));
        let gone = place.join(format!("{NAME}4194305")); // no pid is so large
        let alive = place.join(format!("{NAME}{}", process::id()));
        let strange = place.join(format!("{NAME}notes"));
        for folder in [&gone, &alive, &strange] {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("0"), "x").unwrap();
        }
        sweep(&place);
        let left = [&gone, &alive, &strange].map(|folder| folder.exists());
        fs::remove_dir_all(&place).unwrap();
        assert_eq!(left, [false, true, true]);
    }
}
