//! Starting a worker: a program, mostly this one again, with one end of a new channel.

mod environment;
mod streams;

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::io::{self, PipeReader};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::fcntl::OFlag;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{PidfdFlags, WaitOptions, pidfd_open};

use self::environment::environment;
use self::streams::{Stream, Streams};
use crate::program::{HeldProgram, Program};
use crate::rights::Rights;
use crate::settings::{Runs, Settings};
use crate::{SchedulingPolicy, WorkerId};

/// What the primary holds of a new worker.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub pid: u32,
    pub pidfd: OwnedFd,
    pub channel: OwnedFd,
    pub stdout: Option<PipeReader>,
    pub stderr: Option<PipeReader>,
    pub duplex: BTreeMap<i32, UnixStream>,
}

/// Starts a worker. On failure: the program, and the system's reason; nothing stays behind, neither
/// a descriptor nor a process.
pub(crate) fn spawn(
    program: &Program,
    settings: &Settings,
    id: WorkerId,
    policy: SchedulingPolicy,
) -> Result<Spawned, (PathBuf, io::Error)> {
    let start = |path: &Path, name: &OsStr, foreign| {
        let args = settings.args.as_ref().unwrap_or(&program.args);
        Start { path, name, args, settings, foreign, id, policy }.run()
    };
    match &settings.runs {
        None => start(program.path(), &program.name, false)
            .map_err(|error| (program.typed_path().to_owned(), error)),
        Some(Runs::Path(path)) => {
            start(path, path.as_os_str(), true).map_err(|error| (path.clone(), error))
        }
        Some(Runs::Held(held)) => open_beyond(held, first_free(settings))
            .and_then(|(_open, path)| start(&path, &program.name, false))
            .map_err(|error| (held.path().to_owned(), error)),
    }
}

/// A path by which the held program can be executed, and what has to stay open until then. Its
/// number is none that the worker's descriptors will have.
fn open_beyond(held: &HeldProgram, number: i32) -> io::Result<(OwnedFd, PathBuf)> {
    let copy = fcntl_dupfd_cloexec(held.file(), number)?;
    let path = format!("/proc/self/fd/{}", copy.as_raw_fd()).into();
    Ok((copy, path))
}

/// The first number that no descriptor of the worker's will have by wish.
fn first_free(settings: &Settings) -> i32 {
    settings.duplex.iter().max().map_or(3, |most| most.saturating_add(1))
}

/// Descriptors for the worker, with the numbers that they will have there.
type Passed = Vec<(OwnedFd, i32)>;

struct Start<'a> {
    path: &'a Path,
    /// `argv[0]`.
    name: &'a OsStr,
    args: &'a [OsString],
    settings: &'a Settings,
    /// Not our program: it gets a process group of its own, and no signal blocked.
    foreign: bool,
    id: WorkerId,
    policy: SchedulingPolicy,
}

impl Start<'_> {
    fn run(&self) -> io::Result<Spawned> {
        let (channel, workers_end) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        let Streams { workers: streams, stdout, stderr } = Streams::new(self.settings)?;
        let (duplex, passed) = self.duplex()?;
        let workers_end = self.out_of_the_way(workers_end)?;
        // Keeps a number free for the pidfd: once the worker runs, nothing may fail any more.
        let room = fcntl_dupfd_cloexec(&channel, 0)?;
        let needs_command = self.settings.cwd.is_some()
            || self.settings.uid.is_some()
            || self.settings.gid.is_some();
        let pid = if needs_command {
            self.by_command(&workers_end, streams, &passed)?
        } else {
            self.by_posix_spawn(&workers_end, &streams, &passed)?
        };
        let pid = rustix::process::Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
        drop(room);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).inspect_err(|_| end(pid))?;
        let pid = pid.as_raw_pid().unsigned_abs();
        Ok(Spawned { pid, pidfd, channel, stdout, stderr, duplex })
    }

    /// The same descriptor, under a number that no descriptor of the worker's will have by wish.
    fn out_of_the_way(&self, descriptor: OwnedFd) -> io::Result<OwnedFd> {
        let first_free = first_free(self.settings);
        if descriptor.as_raw_fd() >= first_free {
            return Ok(descriptor);
        }
        Ok(fcntl_dupfd_cloexec(&descriptor, first_free)?)
    }

    /// The pipes that go both ways: our ends, and the worker's with the numbers that they will
    /// have.
    fn duplex(&self) -> io::Result<(BTreeMap<i32, UnixStream>, Passed)> {
        let (mut ours, mut theirs) = (BTreeMap::new(), Vec::new());
        for &number in &self.settings.duplex {
            if !(3..1024).contains(&number) {
                let what = format!("descriptor {number} cannot be a pipe: choose 3 to 1023");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
            let (here, there) = UnixStream::pair()?;
            ours.insert(number, here);
            theirs.push((self.out_of_the_way(there.into())?, number));
        }
        Ok((ours, theirs))
    }

    /// SIGINT and SIGTERM are blocked until a worker of ours has taken its role and leaves them to
    /// the primary.
    fn mask(&self) -> SigSet {
        let left_to_the_primary = [Signal::SIGINT, Signal::SIGTERM];
        left_to_the_primary.into_iter().filter(|_| !self.foreign).collect()
    }

    /// The usual way. posix_spawn(3) shares the parent's memory until exec, so it costs the same
    /// however large the primary has grown, and it sets the signal mask, which std's `Command`
    /// leaves as the primary's.
    fn by_posix_spawn(
        &self,
        channel: &OwnedFd,
        streams: &[Stream; 3],
        passed: &[(OwnedFd, i32)],
    ) -> io::Result<i32> {
        let mut files = PosixSpawnFileActions::init()?;
        for (number, stream) in (0..).zip(streams) {
            match stream {
                Stream::Inherit => {}
                Stream::Null => {
                    files.add_open(number, "/dev/null", OFlag::O_RDWR, Mode::empty())?;
                }
                Stream::Pipe(pipe) => files.add_dup2(pipe.as_raw_fd(), number)?,
            }
        }
        for (descriptor, number) in passed {
            files.add_dup2(descriptor.as_raw_fd(), *number)?;
        }
        // Onto itself: that takes the close-on-exec flag off, in the child alone.
        files.add_dup2(channel.as_raw_fd(), channel.as_raw_fd())?;

        let mut attributes = PosixSpawnAttr::init()?;
        let mut flags =
            PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK;
        attributes.set_sigdefault(&SigSet::all())?;
        attributes.set_sigmask(&self.mask())?;
        if self.foreign {
            flags |= PosixSpawnFlags::POSIX_SPAWN_SETPGROUP;
            attributes.set_pgroup(Pid::from_raw(0))?;
        }
        attributes.set_flags(flags)?;

        let path = c_string(self.path.as_os_str().to_owned())?;
        let args = std::iter::once(self.name.to_owned())
            .chain(self.args.iter().cloned())
            .map(c_string)
            .collect::<io::Result<Vec<CString>>>()?;
        let env = environment(self.settings, self.id, channel, self.policy)
            .into_iter()
            .map(|(mut name, value)| {
                name.push("=");
                name.push(value);
                c_string(name)
            })
            .collect::<io::Result<Vec<CString>>>()?;
        Ok(posix_spawnp(&path, &files, &attributes, &args, &env)?.as_raw())
    }

    /// The way for a working directory, a user or a group, which posix_spawn does not know. Its
    /// cost grows with the primary's memory, because it copies the page tables.
    fn by_command(
        &self,
        channel: &OwnedFd,
        streams: [Stream; 3],
        passed: &[(OwnedFd, i32)],
    ) -> io::Result<i32> {
        let mut command = Command::new(self.path);
        let [stdin, stdout, stderr] = streams;
        let env = environment(self.settings, self.id, channel, self.policy);
        command.arg0(self.name).args(self.args).env_clear().envs(env);
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        if let Some(directory) = &self.settings.cwd {
            if !directory.is_dir() {
                let what = format!("no working directory {}", directory.display());
                return Err(io::Error::new(io::ErrorKind::NotFound, what));
            }
            command.current_dir(directory);
        }
        if self.foreign {
            command.process_group(0);
        }
        let rights = Rights::of(self.settings)?;
        let _fillers = if passed.is_empty() { Vec::new() } else { self.fill_gaps(channel)? };
        crate::sys::prepare_child(&mut command, channel, passed, self.mask(), rights);
        // The handle is dropped without waiting: the primary reaps by pidfd.
        Ok(command.spawn()?.id().cast_signed())
    }

    /// Occupies the numbers that the worker's descriptors will have, or std's own pipe, by which it
    /// learns of a failed exec, might get one of them.
    fn fill_gaps(&self, with: &OwnedFd) -> io::Result<Vec<OwnedFd>> {
        let mut fillers = Vec::new();
        let first_free = first_free(self.settings);
        while fillers.last().is_none_or(|last: &OwnedFd| last.as_raw_fd() < first_free) {
            fillers.push(fcntl_dupfd_cloexec(with, 3)?);
        }
        Ok(fillers)
    }
}

/// Ends a worker that nobody will know of, and leaves no zombie. Nobody else waits for it, so the
/// number is still its own.
fn end(pid: rustix::process::Pid) {
    // One that has become a user whom we may not signal would be waited for without end.
    if rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok() {
        while let Err(Errno::INTR) = rustix::process::waitpid(Some(pid), WaitOptions::empty()) {}
    }
}

fn c_string(text: OsString) -> io::Result<CString> {
    CString::new(text.into_vec()).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, "an argument or variable holds a zero byte")
    })
}
