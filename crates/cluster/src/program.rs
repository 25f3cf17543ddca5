//! The program that workers run: this one, by the path that was typed for it, or one that is held
//! open.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file that this process runs, whatever has become of its path.
const RUNNING: &str = "/proc/self/exe";

/// This program, as it was when it started.
#[derive(Debug)]
pub(crate) struct Program {
    /// Absolute, and with its symbolic links, so that where they point to is asked at each fork.
    path: PathBuf,
    /// `argv[0]`, for workers too.
    pub name: OsString,
    pub args: Vec<OsString>,
}

impl Program {
    pub(crate) fn this() -> io::Result<Program> {
        let mut args = std::env::args_os();
        let name = args.next().unwrap_or_default();
        let path = match Typed::here().and_then(|typed| typed.path(&name)) {
            Some(path) => path,
            None => std::env::current_exe()?,
        };
        Ok(Program { path, name, args: args.collect() })
    }

    /// The path, so that a new build takes effect; if it is gone, the very file that this process
    /// runs.
    pub(crate) fn path(&self) -> &Path {
        if self.path.exists() { &self.path } else { Path::new(RUNNING) }
    }

    /// The path, whether or not anything is there.
    pub(crate) fn typed_path(&self) -> &Path {
        &self.path
    }

    /// What is there now, whatever happens to the path from now on.
    pub(crate) fn hold(&self) -> io::Result<HeldProgram> {
        HeldProgram::open(&self.path, self.path.clone())
            .or_else(|_| HeldProgram::open(Path::new(RUNNING), self.path.clone()))
    }
}

/// A release of this program: the file that [`Primary::hold_program`](crate::Primary::hold_program)
/// found on the program's path. It can be forked ([`Settings::held`](crate::Settings::held)) when
/// another file has that path, or none.
///
/// It holds a descriptor (`O_PATH` of open(2), closed in the workers), and two of them are equal if
/// they are the same file. A release that is overwritten in place is lost all the same: install a
/// new one under a new name, and rename it.
#[derive(Clone, Debug)]
pub struct HeldProgram {
    file: Arc<OwnedFd>,
    path: PathBuf,
    identity: Identity,
}

impl HeldProgram {
    fn open(file: &Path, path: PathBuf) -> io::Result<HeldProgram> {
        let opened: File =
            OpenOptions::new().read(true).custom_flags(nix::libc::O_PATH).open(file)?;
        let identity = Identity::of(&opened.metadata()?);
        Ok(HeldProgram { file: Arc::new(opened.into()), path, identity })
    }

    /// Where it was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &OwnedFd {
        &self.file
    }
}

impl PartialEq for HeldProgram {
    fn eq(&self, other: &HeldProgram) -> bool {
        self.identity == other.identity
    }
}

impl Eq for HeldProgram {}

/// Which file it is, under whatever path; stat(2), `st_dev` and `st_ino`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(metadata: &Metadata) -> Identity {
        Identity { device: metadata.dev(), inode: metadata.ino() }
    }

    fn at(path: &Path) -> Option<Identity> {
        path.metadata().ok().map(|metadata| Identity::of(&metadata))
    }
}

/// What a name that was typed in a shell means.
struct Typed {
    running: Identity,
    directory: PathBuf,
    search: OsString,
}

impl Typed {
    fn here() -> Option<Typed> {
        let directory = std::env::current_dir().ok()?;
        // A shell keeps the path by which one came here, with its links; getcwd(2) has resolved
        // them.
        let kept = std::env::var_os("PWD")
            .map(PathBuf::from)
            .filter(|kept| kept.is_absolute() && Identity::at(kept) == Identity::at(&directory));
        Some(Typed {
            running: Identity::at(Path::new(RUNNING))?,
            directory: kept.unwrap_or(directory),
            search: std::env::var_os("PATH").unwrap_or_default(),
        })
    }

    /// The absolute path for this name, if it is the file that runs. Whoever starts a program is
    /// free to call it anything.
    fn path(&self, name: &OsStr) -> Option<PathBuf> {
        if name.is_empty() {
            return None;
        }
        // Without the `.` of `./program`.
        let here = |path: &Path| self.directory.join(path).components().collect::<PathBuf>();
        let candidates: Vec<PathBuf> = match name.as_encoded_bytes().contains(&b'/') {
            true => vec![here(Path::new(name))],
            false => std::env::split_paths(&self.search).map(|it| here(&it.join(name))).collect(),
        };
        candidates.into_iter().find(|path| Identity::at(path) == Some(self.running))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tests' own binary, as if it had been typed in its directory.
    fn typed(search: &str) -> (Typed, PathBuf, OsString) {
        let this = std::env::current_exe().unwrap();
        let (directory, name) = (this.parent().unwrap().to_owned(), this.file_name().unwrap());
        let running = Identity::at(&this).unwrap();
        let search = search.replace("HERE", directory.to_str().unwrap()).into();
        (Typed { running, directory, search }, this.clone(), name.to_owned())
    }

    #[test]
    fn a_path_is_taken_from_where_it_was_typed_and_a_name_from_the_search_path() {
        let (typed, this, name) = typed("/usr/bin:HERE");
        assert_eq!(typed.path(&name), Some(this.clone()));
        assert_eq!(typed.path(&Path::new(".").join(&name).into_os_string()), Some(this.clone()));
        assert_eq!(typed.path(this.as_os_str()), Some(this));
    }

    #[test]
    fn an_empty_entry_of_the_search_path_is_the_working_directory() {
        let (typed, this, name) = typed("/usr/bin:");
        assert_eq!(typed.path(&name), Some(this));
    }

    #[test]
    fn a_name_that_is_another_file_or_none_is_not_believed() {
        let (typed, ..) = typed("/usr/bin:/bin");
        for name in ["", "sh", "-sh", "/bin/sh", "/no/such/program", "nobody", "/"] {
            assert_eq!(typed.path(OsStr::new(name)), None, "{name}");
        }
    }

    #[test]
    fn two_that_hold_the_same_file_are_equal() {
        let this = std::env::current_exe().unwrap();
        let hold = |path: &Path| HeldProgram::open(path, path.to_owned()).unwrap();
        assert_eq!(hold(&this), hold(Path::new(RUNNING)));
        assert_ne!(hold(&this), hold(Path::new("/bin/sh")));
        assert_eq!(hold(&this).path(), this);
    }
}
