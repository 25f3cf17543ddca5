//! Starting a worker: the same program again, with one end of a new channel.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use nix::fcntl::OFlag;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use rustix::io::fcntl_dupfd_cloexec;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::io::{PipeReader, PipeWriter};

use crate::WorkerId;
use crate::settings::{Settings, Stdio};

/// This program, as it was when it started.
#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    args: Vec<OsString>,
}

impl Program {
    pub(crate) fn this() -> io::Result<Program> {
        Ok(Program { path: std::env::current_exe()?, args: std::env::args_os().skip(1).collect() })
    }

    /// The path, so that a new build takes effect; if it is gone, the very file that we run.
    fn path(&self) -> &Path {
        if self.path.exists() { &self.path } else { Path::new("/proc/self/exe") }
    }
}

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

/// Starts a worker. On failure: the program, and the system's reason.
pub(crate) fn spawn(
    program: &Program,
    settings: &Settings,
    id: WorkerId,
    _policy: crate::SchedulingPolicy,
) -> Result<Spawned, (PathBuf, io::Error)> {
    let path = settings.exec.as_deref().unwrap_or_else(|| program.path());
    let start = Start {
        path,
        args: settings.args.as_ref().unwrap_or(&program.args),
        settings,
        foreign: settings.exec.is_some(),
        id,
    };
    start.run().map_err(|error| (settings.exec.clone().unwrap_or(program.path.clone()), error))
}

/// Descriptors for the worker, with the numbers that they will have there.
type Passed = Vec<(OwnedFd, i32)>;

struct Start<'a> {
    path: &'a Path,
    args: &'a [OsString],
    settings: &'a Settings,
    /// Not our program: it gets a process group of its own, and no signal blocked.
    foreign: bool,
    id: WorkerId,
}

impl Start<'_> {
    fn run(&self) -> io::Result<Spawned> {
        let (channel, workers_end) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        let (stdout, workers_stdout) = pipe(self.settings.stdout)?;
        let (stderr, workers_stderr) = pipe(self.settings.stderr)?;
        let streams = [self.stdin(), workers_stdout, workers_stderr];
        let (duplex, passed) = self.duplex()?;
        // Out of the way of the numbers that the worker's descriptors will have.
        let workers_end = fcntl_dupfd_cloexec(&workers_end, self.first_free())?;
        let needs_command = self.settings.cwd.is_some()
            || self.settings.uid.is_some()
            || self.settings.gid.is_some();
        let pid = if needs_command {
            self.by_command(&workers_end, streams, &passed)?
        } else {
            self.by_posix_spawn(&workers_end, &streams, &passed)?
        };
        let pid = rustix::process::Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
        let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
            .inspect_err(|_| {
                // It runs already, and nobody will know of it: it must not stay, not even as a zombie. Nobody else
                // waits for it, so the number is still its own.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
            })?;
        let pid = pid.as_raw_pid().unsigned_abs();
        Ok(Spawned { pid, pidfd, channel, stdout, stderr, duplex })
    }

    /// The first number that no descriptor of the worker's will have by wish.
    fn first_free(&self) -> i32 {
        self.settings.duplex.iter().max().map_or(3, |most| most + 1)
    }

    /// The pipes that go both ways: our ends, and the worker's with the numbers that they will have.
    fn duplex(&self) -> io::Result<(BTreeMap<i32, UnixStream>, Passed)> {
        let (mut ours, mut theirs) = (BTreeMap::new(), Vec::new());
        for &number in &self.settings.duplex {
            if !(3..1024).contains(&number) {
                let what = format!("descriptor {number} cannot be a pipe: choose 3 to 1023");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
            let (here, there) = UnixStream::pair()?;
            ours.insert(number, here);
            theirs.push((fcntl_dupfd_cloexec(&there, self.first_free())?, number));
        }
        Ok((ours, theirs))
    }

    /// SIGINT is blocked until a worker of ours has taken its role and leaves it to the primary.
    fn mask(&self) -> SigSet {
        let mut mask = SigSet::empty();
        if !self.foreign {
            mask.add(Signal::SIGINT);
        }
        mask
    }

    fn stdin(&self) -> Stream {
        match self.settings.stdin {
            None | Some(Stdio::Inherit) => Stream::Inherit,
            Some(Stdio::Null | Stdio::Lines) => Stream::Null,
        }
    }

    /// The usual way. posix_spawn(3) shares the parent's memory until exec, so it costs the same however large
    /// the primary has grown, and it sets the signal mask, which std's `Command` leaves as the primary's.
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
        let args = std::iter::once(Ok(path.clone()))
            .chain(self.args.iter().cloned().map(c_string))
            .collect::<io::Result<Vec<CString>>>()?;
        let env = self
            .environment(channel)
            .into_iter()
            .map(|(mut name, value)| {
                name.push("=");
                name.push(value);
                c_string(name)
            })
            .collect::<io::Result<Vec<CString>>>()?;
        Ok(posix_spawnp(&path, &files, &attributes, &args, &env)?.as_raw())
    }

    /// The way for a working directory, a user or a group, which posix_spawn does not know. Its cost grows with the primary's
    /// memory, because it copies the page tables.
    fn by_command(
        &self,
        channel: &OwnedFd,
        streams: [Stream; 3],
        passed: &[(OwnedFd, i32)],
    ) -> io::Result<i32> {
        let mut command = Command::new(self.path);
        let [stdin, stdout, stderr] = streams;
        command.args(self.args).env_clear().envs(self.environment(channel));
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        if let Some(directory) = &self.settings.cwd {
            if !directory.is_dir() {
                let what = format!("no working directory {}", directory.display());
                return Err(io::Error::new(io::ErrorKind::NotFound, what));
            }
            command.current_dir(directory);
        }
        self.settings.gid.map(|gid| command.gid(gid));
        self.settings.uid.map(|uid| command.uid(uid));
        if self.foreign {
            command.process_group(0);
        }
        let _fillers = if passed.is_empty() { Vec::new() } else { self.fill_gaps(channel)? };
        crate::sys::prepare_child(
            &mut command,
            channel,
            passed,
            self.mask(),
            self.settings.gid.is_some(), // with the user, std's Command drops them itself
        );
        // The handle is dropped without waiting: the primary reaps by pidfd.
        Ok(command.spawn()?.id().cast_signed())
    }

    /// Occupies the numbers that the worker's descriptors will have, or std's own pipe, by which it learns of a failed exec, might get
    /// one of them.
    fn fill_gaps(&self, with: &OwnedFd) -> io::Result<Vec<OwnedFd>> {
        let mut fillers = Vec::new();
        while fillers.last().is_none_or(|last: &OwnedFd| last.as_raw_fd() < self.first_free()) {
            fillers.push(fcntl_dupfd_cloexec(with, 3)?);
        }
        Ok(fillers)
    }

    /// What the primary has, what the settings add, and last what makes a worker.
    fn environment(&self, channel: &OwnedFd) -> Vec<(OsString, OsString)> {
        let mut settings = self.settings.env.clone();
        settings.push(("NODE_UNIQUE_ID".into(), Some(self.id.get().to_string().into())));
        settings.push(("NODE_CHANNEL_FD".into(), Some(channel.as_raw_fd().to_string().into())));
        settings.push(("NODE_CHANNEL_SERIALIZATION_MODE".into(), Some("json".into())));
        let mut environment: Vec<_> = std::env::vars_os()
            .filter(|(name, _)| !settings.iter().any(|(other, _)| other == name))
            .collect();
        for at in 0..settings.len() {
            let (name, value) = &settings[at];
            let overridden = settings[at + 1..].iter().any(|(later, _)| later == name);
            if let (Some(value), false) = (value, overridden) {
                environment.push((name.clone(), value.clone()));
            }
        }
        environment
    }
}

/// Where one of the worker's standard streams goes.
enum Stream {
    Inherit,
    Null,
    Pipe(PipeWriter),
}

impl From<Stream> for process::Stdio {
    fn from(stream: Stream) -> process::Stdio {
        match stream {
            Stream::Inherit => process::Stdio::inherit(),
            Stream::Null => process::Stdio::null(),
            Stream::Pipe(pipe) => pipe.into(),
        }
    }
}

fn pipe(stdio: Option<Stdio>) -> io::Result<(Option<PipeReader>, Stream)> {
    Ok(match stdio {
        None | Some(Stdio::Inherit) => (None, Stream::Inherit),
        Some(Stdio::Null) => (None, Stream::Null),
        Some(Stdio::Lines) => {
            let (reader, writer) = std::io::pipe()?;
            rustix::io::ioctl_fionbio(&reader, true)?;
            (Some(reader), Stream::Pipe(writer))
        }
    })
}

fn c_string(text: OsString) -> io::Result<CString> {
    CString::new(text.into_vec()).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, "an argument or variable holds a zero byte")
    })
}
