//! The services under test: lessons that stay, each in a folder of its own.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::crowd::{Asks, Crowd};
use crate::proc;
use crate::support::{Run, root, served_address};

const RUNNER: &str = env!("CARGO_BIN_EXE_main-runner");

/// A lesson that serves until it is asked to stop.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// Its name, and the policy where it has several.
    pub name: &'static str,
    /// What is typed; `NODE` and `APP` stand for programs in its folder.
    words: &'static str,
    pub workers: usize,
    /// How long its workers may finish what they have begun.
    pub grace: Duration,
    /// Where an answer takes 20 ms.
    pub brief: Asks,
    /// Where an answer takes 1.5 s, if there is such a thing.
    pub long: Option<&'static str>,
    pub needs_node: bool,
}

const WORK: Asks = Asks::For("/work?ms=20");

pub const SCHEDULING: [Lesson; 2] = [
    Lesson {
        name: "scheduling_rr",
        words: "scheduling --stay --port 0 --workers 4 --policy rr",
        workers: 4,
        grace: Duration::from_secs(6),
        brief: WORK,
        long: Some("/work?ms=1500"),
        needs_node: false,
    },
    Lesson {
        name: "scheduling_none",
        words: "scheduling --stay --port 0 --workers 4 --policy none",
        workers: 4,
        grace: Duration::from_secs(6),
        brief: WORK,
        long: Some("/work?ms=1500"),
        needs_node: false,
    },
];

pub const SHUTDOWN: Lesson = Lesson {
    name: "shutdown",
    words: "shutdown --stay --port 0",
    workers: 3,
    grace: Duration::from_secs(8),
    brief: WORK,
    long: Some("/work?ms=1500"),
    needs_node: false,
};

pub const HTTP_SERVER: Lesson = Lesson {
    name: "http_server",
    words: "http-server --stay --port 0 --workers 4",
    workers: 4,
    grace: Duration::from_secs(6),
    brief: Asks::For("/slow?ms=20"),
    long: Some("/slow?ms=1500"),
    needs_node: false,
};

pub const POLYGLOT: Lesson = Lesson {
    name: "polyglot_node",
    words: "polyglot --stay --port 0 --workers 4 -- NODE APP",
    workers: 4,
    grace: Duration::from_secs(10),
    brief: Asks::For("/?ms=20"),
    long: Some("/?ms=1500"),
    needs_node: true,
};

/// The lesson's own worker in Rust, alone.
pub const POLYGLOT_OWN: Lesson = Lesson {
    name: "polyglot_rust",
    words: "polyglot --stay --port 0 --workers 1",
    workers: 1,
    grace: Duration::from_secs(10),
    brief: Asks::For("/"),
    long: None,
    needs_node: false,
};

/// A service that runs.
pub struct Server {
    pub run: Run,
    pub primary: Pid,
    pub address: SocketAddr,
    pub folder: Folder,
    /// Whose it is, if not ours.
    pub user: Option<u32>,
}

impl Lesson {
    /// Starts it from a folder of its own, and waits until all of its workers serve.
    pub fn start(&self) -> Server {
        self.start_by(&[], None)
    }

    /// The same by another program, which starts it as its child, and perhaps as another user.
    pub fn start_by(&self, by: &[&str], user: Option<u32>) -> Server {
        let folder = Folder::new();
        let mut command = self.command(&folder, by);
        if let Some(user) = user {
            command.uid(user).gid(user).current_dir("/");
        }
        let run = Run::of(&mut command);
        let address = served_address(&run).parse().expect("an address");
        let primary = if by.is_empty() { run.pid() } else { proc::children(run.pid())[0] };
        Server { run, primary, address, folder, user }
    }

    /// What starts it, by this other program if there is one.
    pub fn command(&self, folder: &Folder, by: &[&str]) -> Command {
        let program = folder.program("service", Path::new(RUNNER));
        let mut command = match by {
            [] => Command::new(&program),
            [by, words @ ..] => {
                let mut command = Command::new(by);
                command.args(words).arg(&program);
                command
            }
        };
        for word in self.words.split(' ') {
            match word {
                "NODE" => command.arg(folder.node()),
                "APP" => command.arg(folder.file("app.mjs", "tests/polyglot/app.mjs")),
                word => command.arg(word),
            };
        }
        command.env_remove("PORT").env_remove("NODE_CLUSTER_SCHED_POLICY");
        command
    }

    /// The file whose loss keeps its workers from being started.
    pub fn program_of_workers(&self) -> &'static str {
        if self.needs_node { "node" } else { "service" }
    }
}

impl Server {
    pub fn workers(&self) -> Vec<Pid> {
        proc::children(self.primary)
    }

    /// Clients without a pause; every other one asks for something that takes 20 ms.
    pub fn crowd(&self, lesson: &Lesson, clients: usize) -> Crowd {
        let asks = [Asks::For("/"), lesson.brief];
        let clients: Vec<Asks> = asks.into_iter().cycle().take(clients).collect();
        Crowd::start(self.address, &clients, Duration::ZERO, lesson.grace * 2)
    }

    /// The worker that has read what the client on this port has sent, once one has.
    pub fn reader_of(&self, client: u16) -> Pid {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let workers = self.workers();
            if let Some(worker) = proc::reader(&workers, self.address.port(), client) {
                return worker;
            }
            assert!(Instant::now() < until, "nobody reads it");
            thread::sleep(Duration::from_millis(1)); // nothing to wait on
        }
    }

    /// How long it took until so many workers were there to stay; at most so long.
    pub fn has_workers_again(&self, count: usize, within: Duration) -> Option<Duration> {
        /// Who dies at once is no worker.
        const STAYS: Duration = Duration::from_millis(300);
        let begin = Instant::now();
        let mut since = None;
        while since.unwrap_or(begin).elapsed() < if since.is_some() { STAYS } else { within } {
            let complete = self.workers().len() == count;
            since = complete.then(|| since.unwrap_or_else(Instant::now));
            thread::sleep(Duration::from_millis(10)); // looks again
        }
        since.map(|since| since - begin)
    }
}

/// A folder that is gone with it, where other users may read and execute.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("bad-days-{}-{number}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        fs::create_dir(&folder.0).expect("a folder");
        folder.mode("", 0o755);
        folder
    }

    /// A program of this name: the same file, or where that cannot be a copy.
    fn program(&self, name: &str, program: &Path) -> PathBuf {
        let path = self.0.join(name);
        let linked = fs::hard_link(program, &path);
        linked.or_else(|_| fs::copy(program, &path).map(drop)).expect("a program");
        path
    }

    /// A name for the Node on the path, which may be replaced by something else.
    fn node(&self) -> PathBuf {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut places = std::env::split_paths(&path).map(|folder| folder.join("node"));
        let found = places.find(|it| it.is_file()).expect("Node is here");
        let name = self.0.join("node");
        std::os::unix::fs::symlink(found, &name).expect("a link");
        name
    }

    fn file(&self, name: &str, original: &str) -> PathBuf {
        fs::copy(root().join(original), self.0.join(name)).expect("a copy");
        self.mode(name, 0o644);
        self.0.join(name)
    }

    fn mode(&self, name: &str, mode: u32) {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.0.join(name), permissions).expect("it is ours");
    }

    /// Puts a file in the place of the program that nobody can execute.
    pub fn replace(&self, name: &str) {
        fs::write(self.0.join("other"), "not a program\n").expect("a file");
        fs::rename(self.0.join(name), self.0.join("aside")).expect("it was there");
        fs::rename(self.0.join("other"), self.0.join(name)).expect("it is ours");
    }

    pub fn put_back(&self, name: &str) {
        fs::rename(self.0.join("aside"), self.0.join(name)).expect("it was set aside");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
