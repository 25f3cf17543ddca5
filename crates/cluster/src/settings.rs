//! How workers are started.

use std::ffi::OsString;
use std::path::PathBuf;

/// Where one of a worker's standard streams goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stdio {
    /// Where the primary's goes.
    Inherit,
    /// Nowhere.
    Null,
    /// To the primary, line by line, told as [`Event::Output`](crate::Event::Output). Not for stdin.
    Lines,
}

/// How workers are started; Node's `cluster.settings`.
///
/// Settings are cumulative: what one call of [`Primary::setup`](crate::Primary::setup) leaves out stays as it was. They
/// have an effect on later forks only.
///
/// ```
/// use cluster::{Settings, Stdio};
/// let settings = Settings::new().args(["--quiet"]).env("MODE", "demo").stderr(Stdio::Lines);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub(crate) exec: Option<PathBuf>,
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
    pub(crate) take_within: Option<std::time::Duration>,
}

impl Settings {
    /// Settings that change nothing.
    pub fn new() -> Settings {
        Settings::default()
    }

    /// The program of the workers; this program if never set. Node's `exec` with its `execPath`: a program is executed as it is,
    /// and one without a slash in its name is looked up in `PATH`.
    ///
    /// Another program is taken to be foreign: it gets a process group of its own, so that Ctrl-C reaches it only
    /// through the primary. (A Node worker dies of a terminal's SIGINT, even where it is ignored or blocked.)
    pub fn exec(mut self, program: impl Into<PathBuf>) -> Settings {
        self.exec = Some(program.into());
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

    /// The user that workers become (needs root). Supplementary groups are dropped.
    pub fn uid(mut self, uid: u32) -> Settings {
        self.uid = Some(uid);
        self
    }

    /// The group that workers become (needs root). Supplementary groups are dropped.
    pub fn gid(mut self, gid: u32) -> Settings {
        self.gid = Some(gid);
        self
    }

    /// The workers' standard input; inherited if never set. [`Stdio::Lines`] means nothing here and counts as null.
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

    /// Output and errors of the workers come as events instead of on the terminal; Node's `silent: true`.
    pub fn silent(self) -> Settings {
        self.stdin(Stdio::Null).stdout(Stdio::Lines).stderr(Stdio::Lines)
    }

    /// One more descriptor in the worker, under this number (3 or higher): a pipe that goes both ways, whose other end
    /// [`Primary::take_duplex`](crate::Primary::take_duplex) gives; Node's `stdio: ['pipe', 'pipe', 'pipe', 'ipc', 'pipe']` with 4.
    pub fn duplex(mut self, number: i32) -> Settings {
        self.duplex.push(number);
        self
    }

    /// Hand-over deadline.
    pub fn take_within(mut self, time: std::time::Duration) -> Settings {
        self.take_within = Some(time);
        self
    }

    /// How many bytes of messages may wait for a worker that does not read; 1 MiB if never set. Beyond it
    /// [`Primary::send`](crate::Primary::send) says `Full`. A message that finds an empty queue is always taken.
    pub fn queue_limit(mut self, bytes: usize) -> Settings {
        self.queue_limit = Some(bytes);
        self
    }

    /// These settings, with those of `later` on top.
    pub(crate) fn merged_with(&self, later: Settings) -> Settings {
        let mut env = self.env.clone();
        env.extend(later.env);
        let mut duplex = self.duplex.clone();
        duplex.extend(later.duplex);
        Settings {
            exec: later.exec.or_else(|| self.exec.clone()),
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
}
