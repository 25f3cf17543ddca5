//! Paths of Unix sockets that nobody holds any more: whoever is killed cannot unlink its own.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AtFlags, Flock, FlockArg};
use nix::libc;
use nix::sys::stat::{FileStat, SFlag, fstatat};
use nix::unistd::{Uid, UnlinkatFlags, unlinkat};
use socket2::{Domain, SockAddr, Socket, Type};

/// As long as it is kept, no other primary of ours takes the path for a stale one.
pub(super) struct Removed(#[allow(dead_code)] Flock<File>);

/// Removes what a process that was killed left on this path: a socket that is ours (by the
/// effective user), that nobody is bound to and nobody answers on. `None`: it is none of that, or
/// it cannot be told.
pub(super) fn remove(path: &Path) -> Option<Removed> {
    let name = path.file_name()?;
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // By descriptor, so that all of the following is about one folder, wherever its path leads
    // meanwhile.
    let folder = OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(folder).ok()?;
    let folder = Flock::lock(folder, FlockArg::LockExclusiveNonblock).ok()?;
    let found = our_socket(&folder, name)?;
    if is_bound(path).unwrap_or(true) || !refuses(&folder, name) {
        return None;
    }
    let now = our_socket(&folder, name)?;
    if (now.st_dev, now.st_ino) != (found.st_dev, found.st_ino) {
        return None; // somebody was faster
    }
    unlinkat(&*folder, name, UnlinkatFlags::NoRemoveDir).ok()?;
    Some(Removed(folder))
}

/// The socket of that name, if there is one and it is ours. A symbolic link is none.
fn our_socket(folder: &File, name: &OsStr) -> Option<FileStat> {
    let found = fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
    let is_socket = found.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFSOCK.bits();
    (is_socket && found.st_uid == Uid::effective().as_raw()).then_some(found)
}

/// Whether a process of this machine has a socket with that name, be it that it does not listen
/// yet. That cannot be seen by connecting, and whoever listens need not be disturbed. Where the
/// path is so long that it was bound by a relative name, whoever has the same relative name counts,
/// too: then the path stays taken.
fn is_bound(path: &Path) -> io::Result<bool> {
    let mut sockets = BufReader::new(File::open("/proc/net/unix")?);
    let shorter = super::shorter(path);
    let names = [path.as_os_str().as_bytes(), shorter.as_os_str().as_bytes()];
    let mut line = Vec::new();
    loop {
        line.clear();
        if sockets.read_until(b'\n', &mut line)? == 0 {
            return Ok(false);
        }
        if unconnected(&line).is_some_and(|name| names.contains(&name)) {
            return Ok(true);
        }
    }
}

/// The name in a line of /proc/net/unix (proc_net_unix(5)), if it is no accepted connection: these
/// have their listener's name, and may be held for longer.
fn unconnected(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let mut rest = line;
    let mut columns = [&b""[..]; 7];
    for column in &mut columns {
        let begin = rest.iter().position(|byte| *byte != b' ')?;
        let end = begin
            + rest[begin..].iter().position(|byte| *byte == b' ').unwrap_or(rest.len() - begin);
        (*column, rest) = (&rest[begin..end], &rest[end..]);
    }
    let name = rest.strip_prefix(b" ")?;
    (columns[5] == b"01").then_some(name)
}

/// Whether connecting to it fails because nobody is there, and for no other reason.
fn refuses(folder: &File, name: &OsStr) -> bool {
    let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    let connected = SockAddr::unix(path).and_then(|address| {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?; // a full queue is an answer, too
        socket.connect(&address)
    });
    connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_socket_is_read_unless_it_is_a_connection() {
        let name = |line: &str| {
            unconnected(line.as_bytes()).map(|it| String::from_utf8_lossy(it).into_owned())
        };
        let head = "Num       RefCount Protocol Flags    Type St Inode Path\n";
        assert_eq!(name(head), None);
        let line = |state, rest: &str| {
            format!("0000000000000000: 00000002 00000000 00010000 0001 {state} 12345{rest}\n")
        };
        assert_eq!(name(&line("01", " /run/a b")).as_deref(), Some("/run/a b"));
        assert_eq!(name(&line("03", " /run/a b")), None, "a connection");
        assert_eq!(name(&line("01", "")), None, "without a name");
        for nonsense in ["", "\n", " ", "a b c", "1 2 3 4 5 01"] {
            assert_eq!(name(nonsense), None, "{nonsense:?}");
        }
    }
}
