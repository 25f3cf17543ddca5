//! How workers are started.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::HeldProgram;
use crate::terms::{LINE_LIMIT, QUEUE_LIMIT};

/// Where one of a worker's standard streams goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stdio {
    /// Where the primary's goes.
    Inherit,
    /// Nowhere.
    Null,
    /// To the primary, line by line, told as [`Event::Output`](crate::Event::Output). Not for
    /// stdin.
    Lines,
}

/// How workers are started; Node's `cluster.settings`.
///
/// Settings are cumulative: what one call of [`Primary::setup`](crate::Primary::setup) leaves out
/// stays as it was. They have an effect on later forks only.
///
/// ```
/// use cluster::{Settings, Stdio};
/// let settings = Settings::new().args(["--quiet"]).env("MODE", "demo").stderr(Stdio::Lines);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// This program, as it is on its path, if never set.
    pub(crate) runs: Option<Runs>,
    pub(crate) args: Option<Vec<OsString>>,
    pub(crate) env: Vec<(OsString, Option<OsString>)>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) stdin: Option<Stdio>,
    pub(crate) stdout: Option<Stdio>,
    pub(crate) stderr: Option<Stdio>,
    /// Descriptors beyond the standard streams.
    pub(crate) duplex: Vec<i32>,
    pub(crate) queue_limit: Option<usize>,
    pub(crate) line_limit: Option<usize>,
    pub(crate) take_within: Option<Duration>,
}

/// Which program a worker runs, if not this one as it is on its path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Runs {
    /// Another one.
    Path(PathBuf),
    /// This one, in the release that is held.
    Held(HeldProgram),
}

impl Settings {
    /// Settings that change nothing.
    pub fn new() -> Settings {
        Settings::default()
    }

    /// The program of the workers; this program if never set. Node's `exec` with its `execPath`: a
    /// program is executed as it is, and one without a slash in its name is looked up in `PATH`.
    ///
    /// Another program is taken to be foreign: it gets a process group of its own, so that Ctrl-C
    /// reaches it only through the primary. (A Node worker dies of a terminal's SIGINT, even where
    /// it is ignored or blocked.)
    pub fn exec(mut self, program: impl Into<PathBuf>) -> Settings {
        self.runs = Some(Runs::Path(program.into()));
        self
    }

    /// The workers run this release of this program
    /// ([`Primary::hold_program`](crate::Primary::hold_program)), whatever has become of its path.
    /// It is no foreign program, and has this one's name (`argv[0]`). Of `held` and
    /// [`exec`](Settings::exec) the later one counts.
    pub fn held(mut self, release: HeldProgram) -> Settings {
        self.runs = Some(Runs::Held(release));
        self
    }

    /// The arguments of the workers; this process's own if never set.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Settings {
        self.args = Some(args.into_iter().map(Into::into).collect());
        self
    }

    /// One more environment variable. The others are inherited.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Settings {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    /// One environment variable that is not inherited.
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Settings {
        self.env.push((name.into(), None));
        self
    }

    /// The working directory of the workers; this process's own if never set.
    pub fn cwd(mut self, directory: impl Into<PathBuf>) -> Settings {
        self.cwd = Some(directory.into());
        self
    }

    /// The user that workers become (needs root). Supplementary groups are dropped, and the group
    /// becomes the user's own, as passwd(5) has it (else the one with the user's number), if
    /// [`gid`](Settings::gid) says nothing else. What of this fails makes the fork fail.
    ///
    /// Who is not root may say its own user, and then keeps its groups; so it is in Node.
    pub fn uid(mut self, uid: u32) -> Settings {
        self.uid = Some(uid);
        self
    }

    /// The group that workers become (needs root). Supplementary groups are dropped, or the fork
    /// fails.
    pub fn gid(mut self, gid: u32) -> Settings {
        self.gid = Some(gid);
        self
    }

    /// The workers' standard input; inherited if never set. [`Stdio::Lines`] means nothing here and
    /// counts as null.
    pub fn stdin(mut self, stdin: Stdio) -> Settings {
        self.stdin = Some(stdin);
        self
    }

    /// The workers' standard output; inherited if never set.
    pub fn stdout(mut self, stdout: Stdio) -> Settings {
        self.stdout = Some(stdout);
        self
    }

    /// The workers' standard error; inherited if never set.
    pub fn stderr(mut self, stderr: Stdio) -> Settings {
        self.stderr = Some(stderr);
        self
    }

    /// Output and errors of the workers come as events instead of on the terminal; Node's `silent:
    /// true`.
    pub fn silent(self) -> Settings {
        self.stdin(Stdio::Null).stdout(Stdio::Lines).stderr(Stdio::Lines)
    }

    /// One more descriptor in the worker, under this number (3 or higher): a pipe that goes both
    /// ways, whose other end [`Primary::take_duplex`](crate::Primary::take_duplex) gives; Node's
    /// `stdio: ['pipe', 'pipe', 'pipe', 'ipc', 'pipe']` with 4.
    pub fn duplex(mut self, number: i32) -> Settings {
        self.duplex.push(number);
        self
    }

    /// How many bytes of messages may wait for a worker that does not read; 1 MiB if never set.
    /// Beyond it [`Primary::send`](crate::Primary::send) says `Full`. A message that finds an empty
    /// queue is always taken.
    pub fn queue_limit(mut self, bytes: usize) -> Settings {
        self.queue_limit = Some(bytes);
        self
    }

    /// How many bytes a message may have, as a line of JSON on the channel, in both directions; 8
    /// MiB if never set. `send` refuses a longer one, and one that comes from a worker all the same
    /// (a Node worker knows of no limit) is passed over and told as
    /// [`Event::Error`](crate::Event::Error). A worker of ours is told the limit when it starts.
    ///
    /// It bounds the memory that one worker can take from the primary. Up to 64 KiB, the limit of
    /// the cluster layer's own lines, all that comes is taken, also where this is less.
    pub fn line_limit(mut self, bytes: usize) -> Settings {
        self.line_limit = Some(bytes);
        self
    }

    /// How long a worker may take for a connection that was handed to it, until it has taken or
    /// refused it; for ever if never set. After that it is killed (SIGKILL), as one that is stuck,
    /// and once it is gone its connection goes to another worker.
    ///
    /// A worker that is stopped (SIGSTOP), or so busy that it does not look, is killed by it, too.
    /// It counts under [`SchedulingPolicy::RoundRobin`](crate::SchedulingPolicy::RoundRobin); under
    /// the other policy nothing is handed over.
    pub fn take_within(mut self, time: Duration) -> Settings {
        self.take_within = Some(time);
        self
    }

    /// How many bytes a line may have, and how many may wait.
    pub(crate) fn limits(&self) -> (usize, usize) {
        (self.line_limit.unwrap_or(LINE_LIMIT), self.queue_limit.unwrap_or(QUEUE_LIMIT))
    }

    /// These settings, with those of `later` on top.
    pub(crate) fn merged_with(&self, later: Settings) -> Settings {
        let mut env = self.env.clone();
        env.extend(later.env);
        let mut duplex = self.duplex.clone();
        duplex.extend(later.duplex);
        Settings {
            runs: later.runs.or_else(|| self.runs.clone()),
            args: later.args.or_else(|| self.args.clone()),
            env,
            cwd: later.cwd.or_else(|| self.cwd.clone()),
            uid: later.uid.or(self.uid),
            gid: later.gid.or(self.gid),
            stdin: later.stdin.or(self.stdin),
            stdout: later.stdout.or(self.stdout),
            stderr: later.stderr.or(self.stderr),
            duplex,
            queue_limit: later.queue_limit.or(self.queue_limit),
            line_limit: later.line_limit.or(self.line_limit),
            take_within: later.take_within.or(self.take_within),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_call_leaves_out_stays_as_it_was() {
        let first = Settings::new().args(["a"]).cwd("/tmp").env("X", "1");
        let both = first.merged_with(Settings::new().args(["b"]).env("Y", "2").uid(7));
        assert_eq!(
            both,
            Settings::new().args(["b"]).cwd("/tmp").env("X", "1").env("Y", "2").uid(7)
        );
    }

    #[test]
    fn limits_are_kept_and_have_defaults() {
        let first = Settings::new().line_limit(10).take_within(Duration::from_secs(2));
        let both = first.merged_with(Settings::new().queue_limit(20));
        assert_eq!(both.limits(), (10, 20));
        assert_eq!(both.take_within, Some(Duration::from_secs(2)));
        assert_eq!(both.merged_with(Settings::new().line_limit(30)).limits(), (30, 20));
        assert_eq!(Settings::new().limits(), (8 << 20, 1 << 20));
        assert_eq!(Settings::new().take_within, None);
    }

    #[test]
    fn of_two_programs_the_later_counts() {
        let exec = |path: &str| Settings::new().exec(path);
        let path = |path: &str| Some(Runs::Path(path.into()));
        assert_eq!(exec("a").merged_with(exec("b")).runs, path("b"));
        assert_eq!(exec("a").merged_with(Settings::new()).runs, path("a"));
    }
}
