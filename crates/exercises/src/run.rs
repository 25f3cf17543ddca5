//! A judged run: this program again, in a process group of its own, for a limited time.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::finding::{Inbox, REPORT};
use crate::outcome::Outcome;

/// Names the exercise, in the environment of a judged run.
pub(crate) const EXERCISE: &str = "EXERCISE";
/// Names the text that is judged: [`Text::name`].
pub(crate) const TEXT: &str = "EXERCISE_TEXT";

/// Names the process that judges.
pub(crate) const JUDGE: &str = "EXERCISE_JUDGE";

/// A solved exercise takes less than a second. Who takes this long waits for ever.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Whose text is judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Text {
    Learners,
    Solution,
}

impl Text {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Text::Learners => "exercise",
            Text::Solution => "solution",
        }
    }
}

/// Judges a text. What the program prints goes where `output` says.
pub(crate) fn run(exercise: &str, text: Text, output: fn() -> Stdio) -> io::Result<Outcome> {
    let mut inbox = Inbox::open()?;
    let mut child = Command::new(std::env::current_exe()?)
        .env(EXERCISE, exercise)
        .env(TEXT, text.name())
        .env(REPORT, &inbox.name)
        .env(JUDGE, std::process::id().to_string())
        .stdin(Stdio::null())
        .stdout(output())
        .stderr(output())
        .process_group(0)
        .spawn()?;
    let status = wait(&mut child, &mut inbox, Instant::now() + LIMIT);
    end_group(&mut child);
    Ok(Outcome::of(inbox.findings(), status?))
}

/// How it ended, if it did in time.
fn wait(child: &mut Child, inbox: &mut Inbox, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        inbox.take();
        match child.try_wait()? {
            None if Instant::now() < deadline => {}
            status => return Ok(status),
        }
        // A poll, bounded by the deadline.
        thread::sleep(Duration::from_millis(5));
    }
}

/// Ends what is left of it, workers included.
fn end_group(child: &mut Child) {
    // Nobody of the group may be left, and then there is nothing to do.
    let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
    let _ = child.wait();
}
