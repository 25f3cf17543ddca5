//! What all black-box tests share: starting the real programs, listening to them, and making sure
//! that nothing of them is left.

// Each test target uses a part of this.
#![allow(dead_code, unused_imports)]

mod course;
mod terminal;
mod words;

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

pub use course::{lesson_file, lessons, needs_node, node_is_here, page, root, runs_here};
pub use terminal::on_a_terminal;
pub use words::{
    SOON, assert_fits_80_columns, assert_tells_that_a_port_is_taken, count, served_address, told,
    typed, url,
};

/// A lesson takes about two seconds; on a busy machine a little more.
pub const IN_TIME: Duration = Duration::from_secs(20);

/// Every process of a run carries this variable, so that it can be found wherever it hides: in
/// another process group, or with another parent.
const TAG: &str = "BLACK_BOX_RUN";

/// A program that was started for a test, in a process group of its own.
///
/// When it goes out of scope, whatever is left of it is killed.
pub struct Run {
    command: String,
    pid: Pid,
    tag: String,
    heard: Arc<Heard>,
}

/// How a program ended, and all that it said.
#[derive(Clone, Debug)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

#[derive(Default)]
struct Heard {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// How many of the two are at their end: all processes that could write have closed it.
    closed: usize,
    status: Option<ExitStatus>,
}

impl Run {
    /// Starts a program with these arguments.
    pub fn start(program: impl AsRef<Path>, arguments: &[&str]) -> Run {
        Run::of(Command::new(program.as_ref()).args(arguments))
    }

    /// Starts a program that needs more than arguments.
    pub fn of(command: &mut Command) -> Run {
        Run::spawn(command, Stdio::piped())
    }

    /// Starts a program whose output nobody reads: whoever would read has gone already.
    pub fn without_reader(command: &mut Command) -> Run {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        Run::spawn(command, writer.into())
    }

    /// Starts a program with this standard output; what is a pipe of its own is heard.
    pub fn spawn(command: &mut Command, stdout: Stdio) -> Run {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let tag = format!("{}-{number}", std::process::id());

        let mut child = command
            .env(TAG, &tag)
            // It makes libtest say times. A cargo below us would build everything anew for it.
            .env_remove("RUSTC_BOOTSTRAP")
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let pid = Pid::from_raw(child.id().try_into().expect("a process id fits"));

        let heard = Arc::new(Heard::default());
        heard.listen(child.stdout.take(), |state| &mut state.stdout);
        heard.listen(child.stderr.take(), |state| &mut state.stderr);
        let waiting = Arc::clone(&heard);
        thread::spawn(move || {
            let status = child.wait().expect("it is our child");
            waiting.tell(|state| state.status = Some(status));
        });
        Run { command: format!("{command:?}"), pid, tag, heard }
    }

    /// Waits for a whole line on stdout that contains `pattern`, and returns it.
    pub fn wait_for_line(&self, pattern: &str, deadline: Duration) -> String {
        self.wait_for_lines(1, pattern, deadline).remove(0)
    }

    /// Waits for that many whole lines on stdout that contain `pattern`.
    pub fn wait_for_lines(&self, count: usize, pattern: &str, deadline: Duration) -> Vec<String> {
        let found = self.heard.wait(deadline, |state| {
            let text = String::from_utf8_lossy(&state.stdout);
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let lines: Vec<String> = whole
                .lines()
                .filter(|line| line.contains(pattern))
                .take(count)
                .map(str::to_owned)
                .collect();
            // Once it has ended, nothing more will come.
            let over = state.status.is_some() && state.closed == 2;
            (lines.len() == count || over).then_some(lines)
        });
        let found = found.filter(|lines| lines.len() == count);
        found.unwrap_or_else(|| {
            self.fail(&format!("{count} line(s) with `{pattern}` in {deadline:?}"))
        })
    }

    /// The process that was started.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal to the primary alone.
    pub fn signal(&self, signal: Signal) {
        // While its status is unknown, the process is not reaped, so the id is still its own.
        if self.heard.lock().status.is_none() {
            kill(self.pid, signal).expect("the primary is our child");
        }
    }

    /// Sends a signal to the whole process group, as Ctrl-C in a terminal does.
    pub fn signal_group(&self, signal: Signal) {
        match killpg(self.pid, signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => panic!("{signal} does not reach the group: {error}"),
        }
    }

    /// Waits until the primary has ended and nobody can write to its output any more.
    pub fn finish(&self, deadline: Duration) -> Output {
        let output = self.heard.wait(deadline, |state| {
            let status = state.status.filter(|_| state.closed == 2)?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Some(Output { status, stdout: text(&state.stdout), stderr: text(&state.stderr) })
        });
        output.unwrap_or_else(|| self.fail(&format!("an end in {deadline:?}")))
    }

    /// Asserts that no process of this run is there any more, or will be gone within `deadline`.
    pub fn assert_nothing_left(&self, deadline: Duration) {
        let end = Instant::now() + deadline;
        loop {
            let left = self.left();
            if left.is_empty() {
                return;
            }
            if Instant::now() > end {
                let left: Vec<String> = left.into_iter().map(describe).collect();
                self.fail(&format!("no process left after {deadline:?}, not {left:?}"));
            }
            // Nobody is told when a stranger's process vanishes, so look again, and often.
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The processes of this run that still live.
    fn left(&self) -> Vec<Pid> {
        let mark = format!("{TAG}={}", self.tag).into_bytes();
        let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
        processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .map(Pid::from_raw)
            // A process that has ended but was not reaped (a zombie) shows no environment.
            .filter(|pid| {
                let variables = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                variables.split(|byte| *byte == 0).any(|variable| variable == mark)
            })
            .collect()
    }

    fn fail(&self, expected: &str) -> ! {
        let state = self.heard.lock();
        let got = format!(
            "status: {:?}\nstdout:\n{}\nstderr:\n{}",
            state.status,
            String::from_utf8_lossy(&state.stdout),
            String::from_utf8_lossy(&state.stderr),
        );
        drop(state);
        panic!("{}\n{}", self.command, between_rulers(expected, &got));
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // A process that forks while we look is found in the next round.
        for _ in 0..100 {
            let left = self.left();
            if left.is_empty() {
                return;
            }
            for pid in left {
                let _ = kill(pid, Signal::SIGKILL); // it may have ended meanwhile
            }
            thread::sleep(Duration::from_millis(10)); // it takes a moment to die
        }
    }
}

impl Heard {
    /// A panicking test must not hide its reason behind a poisoned lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.news.notify_all();
    }

    fn listen(
        self: &Arc<Heard>,
        source: Option<impl Read + Send + 'static>,
        which: fn(&mut State) -> &mut Vec<u8>,
    ) {
        let Some(mut source) = source else {
            return self.tell(|state| state.closed += 1);
        };
        let heard = Arc::clone(self);
        thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(length @ 1..) = source.read(&mut block) {
                heard.tell(|state| which(state).extend_from_slice(&block[..length]));
            }
            heard.tell(|state| state.closed += 1);
        });
    }

    fn wait<T>(&self, deadline: Duration, look: impl Fn(&State) -> Option<T>) -> Option<T> {
        let end = Instant::now() + deadline;
        let mut state = self.lock();
        loop {
            if let Some(found) = look(&state) {
                return Some(found);
            }
            let left = end.checked_duration_since(Instant::now())?;
            let woken = self.news.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn describe(pid: Pid) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    format!("{pid}: {}", String::from_utf8_lossy(&words).replace('\0', " ").trim())
}

/// What was expected and what came, so that both can be read.
pub fn between_rulers(expected: &str, got: &str) -> String {
    let ruler = |name: &str| format!("{name:-^72}");
    format!(
        "{}\n{}\n{}\n{}\n{}",
        ruler(" expected "),
        expected.trim_end(),
        ruler(" got "),
        got.trim_end(),
        ruler("")
    )
}
