//! Two famous surprises of fork(2), to look at.

use std::io::{self, Write};
use std::process;

use host::Ends;
use narrator::{Outcome, Story};
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::ForkResult;

use crate::by_hand::{exit_now, name, split};

/// How the child of an exhibit ends.
enum Ending {
    /// `std::process::exit`: prints what waits in stdout's buffer first.
    Usual,
    /// _exit(2): prints nothing.
    AtOnce,
}

/// A half-written line waits in this process's memory, and fork(2) copies
/// memory.
pub(crate) fn half_line(story: &Story) -> Outcome {
    story.tell("primary", "prints half a line,", "then forks");
    half_a_line_and_fork(false, Ending::Usual)?;
    story.tell("primary", "prints half a line and flushes,", "then forks");
    half_a_line_and_fork(true, Ending::Usual)?;
    story.tell(
        "primary",
        "prints half a line,",
        "then forks a child that uses _exit",
    );
    half_a_line_and_fork(false, Ending::AtOnce)
}

fn half_a_line_and_fork(flush: bool, ending: Ending) -> Outcome {
    let mut out = io::stdout();
    write!(out, "one half ... ")?; // waits in memory for its line end
    if flush {
        out.flush().or_else(quiet_if_closed)?;
    }
    match (split()?, ending) {
        (ForkResult::Child, Ending::Usual) => process::exit(0),
        (ForkResult::Child, Ending::AtOnce) => exit_now(Ok(())),
        (ForkResult::Parent { child }, _) => waitpid(child, None)?,
    };
    writeln!(out, "the other half").or_else(quiet_if_closed)?;
    Ok(())
}

/// A closed pipe (`| head -1`) means that the reader has seen enough.
fn quiet_if_closed(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        process::exit(0);
    }
    Err(error)
}

/// A child that has ended stays in the process table until somebody asks how.
pub(crate) fn zombie(story: &Story) -> Outcome {
    story.tell("primary", "forks", name(1));
    let child = match split()? {
        ForkResult::Child => exit_now(Ok(())),
        ForkResult::Parent { child } => child,
    };
    // Waits for its end, but leaves it there (WNOWAIT).
    waitid(Id::Pid(child), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)?;
    let stat = std::fs::read_to_string(format!("/proc/{child}/stat"))?;
    let state = state(&stat).unwrap_or("unknown");
    story.tell(name(1), "is process", format!("{child} in state {state}"));
    story.tell("primary", "waits for", name(1));
    let exit = host::ended(waitpid(child, None)?);
    Ends::default().tell(story, name(1), exit, true)?;
    let verb = match std::fs::exists(format!("/proc/{child}"))? {
        true => "still finds",
        false => "no longer finds",
    };
    story.tell("primary", verb, format!("process {child}"));
    Ok(())
}

/// The state in a line of /proc/PID/stat, in words where it matters here. The
/// name before it stands in parentheses and may itself hold some.
fn state(stat: &str) -> Option<&str> {
    let (_, rest) = stat.rsplit_once(')')?;
    match rest.split_whitespace().next()? {
        "Z" => Some("Z, a zombie"),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::state;

    #[test]
    fn the_state_follows_the_name_whatever_the_name_is() {
        assert_eq!(state("57 (fork) S 1 57 57"), Some("S"));
        assert_eq!(state("57 (a) Z b) Z 1 57 57"), Some("Z, a zombie"));
        assert_eq!(state("57 (fork)"), None);
        assert_eq!(state(""), None);
    }
}
