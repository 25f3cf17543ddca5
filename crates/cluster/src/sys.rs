//! What safe Rust cannot say: everything here that is `unsafe`, each with its reason.

#![allow(unsafe_code)]

use std::ffi::{OsString, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::rights::Rights;
use nix::libc::{self, siginfo_t};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction};

/// Takes a variable out of the environment of this process, which must have one thread only.
pub(crate) fn take_variable(name: &str) -> Option<OsString> {
    let value = std::env::var_os(name);
    // SAFETY: `role()` has counted the threads before: there is no other one that could read the
    // environment now.
    unsafe { std::env::remove_var(name) };
    value
}

/// Takes over an open descriptor that this process got from its parent. `None`: nothing is open
/// there.
pub(crate) fn adopt(number: RawFd) -> Option<OwnedFd> {
    if number <= 2 {
        return None; // the standard streams have owners
    }
    // SAFETY: the borrow lives for this call only; fcntl on a number that is not open just says
    // EBADF.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_setfd(borrowed, rustix::io::FdFlags::CLOEXEC).ok()?;
    // SAFETY: it is open (fcntl has just said so). The parent gave it to us by number, in a
    // variable that is taken once, so nobody else in this process owns it.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// A copy of whatever this process has open under that number.
pub(crate) fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    if number < 0 {
        return Err(io::Error::from_raw_os_error(nix::libc::EBADF));
    }
    // SAFETY: the borrow lives for this call only; fcntl on a number that is not open just says
    // EBADF.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    borrowed.try_clone_to_owned()
}

/// Whose SIGTERM ends this worker: the primary, and the process that started this one where that is
/// another.
static OBEYED: [AtomicI32; 2] = [const { AtomicI32::new(-1) }; 2];

extern "C" fn nothing(_: c_int) {}

/// SIGTERM has its default effect if the primary sent it, or this process itself. Anybody else's is
/// left to the primary.
extern "C" fn terminate(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a siginfo that is valid for this call.
    let info = unsafe { &*info };
    if !matches!(info.si_code, libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL) {
        return; // no process sent it, and si_pid means nothing
    }
    // SAFETY: with these codes the kernel has filled in the sender (sigaction(2)).
    let sender = unsafe { info.si_pid() };
    let obeyed = OBEYED.iter().any(|pid| pid.load(Ordering::Relaxed) == sender);
    // SAFETY: getpid(2) has no preconditions, and is async-signal-safe (signal-safety(7)), as all
    // that follows.
    if obeyed || sender == unsafe { libc::getpid() } {
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        // SAFETY: the default action runs no code of ours. SIGTERM is blocked while this runs: what
        // is raised here takes effect when it returns.
        let _ = unsafe { sigaction(Signal::SIGTERM, &default) };
        // SAFETY: raise(3) has no preconditions.
        unsafe { libc::raise(libc::SIGTERM) };
    }
}

/// Leaves SIGINT, and SIGTERM that none of these processes sent, to the primary: a terminal sends
/// Ctrl-C to the whole group, systemd and timeout(1) their SIGTERM, and the primary decides what it
/// means. Handlers, rather than SIG_IGN: an ignored signal stays ignored across exec(2), in every
/// program that the worker starts; a handled one does not.
pub(crate) fn leave_signals_to_primary(obeyed: [i32; 2]) -> nix::Result<()> {
    for (place, pid) in OBEYED.iter().zip(obeyed) {
        place.store(pid, Ordering::Relaxed);
    }
    let handlers = [
        (Signal::SIGINT, SigHandler::Handler(nothing)),
        (Signal::SIGTERM, SigHandler::SigAction(terminate)),
    ];
    let mut signals = SigSet::empty();
    for (signal, handler) in handlers {
        let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
        // SAFETY: one handler does nothing, the other one only what is async-signal-safe, as it
        // says.
        unsafe { sigaction(signal, &action)? };
        signals.add(signal);
    }
    signals.thread_unblock()
}

/// Makes children waitable: whoever started us may have ignored SIGCHLD, which survives exec(2),
/// and then the kernel reaps children itself and their exit codes are lost.
pub(crate) fn keep_exit_statuses() -> nix::Result<()> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: the default action runs no code of ours.
    unsafe { sigaction(Signal::SIGCHLD, &default).map(drop) }
}

/// The signals that end a process from a terminal, an init system or a container.
const ENDING: [Signal; 4] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];

extern "C" fn end_the_first_process(signal: i32) {
    // SAFETY: getpid, signal, raise and _exit are async-signal-safe, and have no preconditions.
    unsafe {
        if nix::libc::getpid() == 1 {
            nix::libc::_exit(128 + signal);
        }
        // A child of it that has not called exec: here the default action exists. It comes when
        // this handler has returned.
        nix::libc::signal(signal, nix::libc::SIG_DFL);
        nix::libc::raise(signal);
    }
}

/// For process 1 of a PID namespace the kernel knows no default actions (pid_namespaces(7)):
/// signals that would end any other process do nothing. This gives it some: it exits with the code
/// that a shell shows for that signal. What is ignored or handled stays so.
pub(crate) fn obey_signals_as_first_process() -> nix::Result<()> {
    if std::process::id() != 1 {
        return Ok(());
    }
    let handler = SigHandler::Handler(end_the_first_process);
    let ends = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    for signal in ENDING {
        // SAFETY: the handler calls async-signal-safe functions only.
        let before = unsafe { sigaction(signal, &ends)? };
        if !matches!(before.handler(), SigHandler::SigDfl) {
            // SAFETY: it is what was there before.
            unsafe { sigaction(signal, &before)? };
        }
    }
    Ok(())
}

/// Closes a Unix socket that this process got from its parent, under that number, in the programs
/// that it starts. Anything else stays as it is: the number may be of old, and mean another file by
/// now.
pub(crate) fn close_in_children(number: RawFd) {
    if number <= 2 {
        return;
    }
    // SAFETY: the borrow lives for this call only; a number that is not open just makes system
    // calls say EBADF.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    if rustix::net::sockopt::socket_domain(borrowed) == Ok(rustix::net::AddressFamily::UNIX) {
        // It fails only for a number that is not open.
        let _ = rustix::io::fcntl_setfd(borrowed, rustix::io::FdFlags::CLOEXEC);
    }
}

/// Ends the process at once: no exit handlers, no destructors, whatever its other threads do or
/// hold.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit(2) has no preconditions.
    unsafe { nix::libc::_exit(code) }
}

/// Prepares what posix_spawn would have: default actions for all signals, this mask, and the
/// channel left open. And the user and the groups, which std's `Command` knows as well, but it
/// passes over supplementary groups that stay.
pub(crate) fn prepare_child(
    command: &mut Command,
    channel: &OwnedFd,
    passed: &[(OwnedFd, i32)],
    mask: SigSet,
    rights: Option<Rights>,
) {
    let channel = channel.as_raw_fd();
    let passed: Vec<(RawFd, RawFd)> =
        passed.iter().map(|(descriptor, number)| (descriptor.as_raw_fd(), *number)).collect();
    let prepare = move || -> io::Result<()> {
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        for signal in Signal::iterator() {
            // SAFETY: the default action runs no code of ours. SIGKILL and SIGSTOP refuse, and have
            // it anyway.
            let _ = unsafe { sigaction(signal, &default) };
        }
        nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?;
        if let Some(Rights { uid, gid, groups_must_go }) = rights {
            match nix::unistd::setgroups(&[]) {
                Err(errno) if groups_must_go => return Err(errno.into()),
                _ => {}
            }
            // The user comes last: it takes the right to change the group away.
            gid.map_or(Ok(()), nix::unistd::setgid)?;
            uid.map_or(Ok(()), nix::unistd::setuid)?;
        }
        for &(descriptor, number) in &passed {
            // SAFETY: this number is given to the worker by wish; nothing of std's uses it in this
            // child.
            if unsafe { nix::libc::dup2(descriptor, number) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        // SAFETY: the primary holds this descriptor open until the child has called exec.
        let channel = unsafe { BorrowedFd::borrow_raw(channel) };
        rustix::io::fcntl_setfd(channel, rustix::io::FdFlags::empty())?;
        Ok(())
    };
    // SAFETY: between fork and exec it makes only system calls: sigaction, sigprocmask, setgroups,
    // setgid, setuid, dup2, fcntl. No allocation, no lock.
    unsafe { command.pre_exec(prepare) };
}
