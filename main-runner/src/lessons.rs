//! The lessons, in order. To add one: a variant, its line in `run`, its page.

use std::path::{Path, PathBuf};

use cluster::Role;
use narrator::Outcome;

use crate::page::Page;

/// The table of lessons: names, order, old names and flags all come from here.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Lesson {
    #[command(alias = "numberOfCpuCores")]
    Cpus(cpus::Args),
    Fork(fork::Args),
    #[command(alias = "clusterEvent")]
    Online(online::Args),
    Ipc(ipc::Args),
    Restart(restart::Args),
    #[command(alias = "schedulingPolicy")]
    Scheduling(scheduling::Args),
    #[command(aliases = ["cluster-example", "workerProcessesWithHttpServer"])]
    HttpServer(http_server::Args),
    #[command(alias = "worker-calculation")]
    Calculate(calculate::Args),
    Shutdown(shutdown::Args),
    #[command(alias = "send100Request")]
    LoadTest(load_test::Args),
    #[command(alias = "workerThreadEvent")]
    Threads(threads::Args),
    Polyglot(polyglot::Args),
}

impl Lesson {
    /// Runs the lesson.
    pub fn run(self, role: Role) -> Outcome {
        match self {
            Lesson::Cpus(args) => cpus::run(role, args),
            Lesson::Fork(args) => fork::run(role, args),
            Lesson::Online(args) => online::run(role, args),
            Lesson::Ipc(args) => ipc::run(role, args),
            Lesson::Restart(args) => restart::run(role, args),
            Lesson::Scheduling(args) => scheduling::run(role, args),
            Lesson::HttpServer(args) => http_server::run(role, args),
            Lesson::Calculate(args) => calculate::run(role, args),
            Lesson::Shutdown(args) => shutdown::run(role, args),
            Lesson::LoadTest(args) => load_test::run(role, args),
            Lesson::Threads(args) => threads::run(role, args),
            Lesson::Polyglot(args) => polyglot::run(role, args),
        }
    }
}

const PAGES: &[(&str, &str)] = &[
    ("cpus", include_str!("../../lessons/cpus.md")),
    ("fork", include_str!("../../lessons/fork.md")),
    ("online", include_str!("../../lessons/online.md")),
    ("ipc", include_str!("../../lessons/ipc.md")),
    ("restart", include_str!("../../lessons/restart.md")),
    ("scheduling", include_str!("../../lessons/scheduling.md")),
    ("http-server", include_str!("../../lessons/http-server.md")),
    ("calculate", include_str!("../../lessons/calculate.md")),
    ("shutdown", include_str!("../../lessons/shutdown.md")),
    ("load-test", include_str!("../../lessons/load-test.md")),
    ("threads", include_str!("../../lessons/threads.md")),
    ("polyglot", include_str!("../../lessons/polyglot.md")),
];

/// The pages of the course, which belong to no lesson.
pub const COURSE: [(&str, &str); 3] = [
    ("course", include_str!("../../lessons/README.md")),
    ("glossary", include_str!("../../lessons/glossary.md")),
    ("teacher", include_str!("../../lessons/teacher.md")),
];

/// What the runner knows about a lesson without running it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Folder, package, page and runner word.
    pub name: String,
    /// What people who come from Node may type instead.
    pub aliases: Vec<String>,
    /// Whether the lesson is also told on bare system calls (`--by-hand`).
    pub by_hand: bool,
    /// The lesson's page.
    pub page: Page<'static>,
}

impl Entry {
    fn from_command(command: &clap::Command) -> Entry {
        let name = command.get_name().to_owned();
        let text = PAGES.iter().find(|(page, _)| *page == name).map_or("", |(_, text)| text);
        Entry {
            aliases: command.get_all_aliases().map(str::to_owned).collect(),
            by_hand: command.get_arguments().any(|flag| flag.get_long() == Some("by-hand")),
            page: Page::parse(text),
            name,
        }
    }

    /// The name and the aliases.
    pub fn spellings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.aliases).map(String::as_str)
    }

    /// The folder of the lesson, where the runner was built.
    pub fn folder(&self) -> PathBuf {
        workspace().join("examples").join(&self.name)
    }
}

/// The folder of the workspace that the runner was built in.
pub fn workspace() -> &'static Path {
    let runner = Path::new(env!("CARGO_MANIFEST_DIR"));
    runner.parent().unwrap_or(runner)
}

/// Every lesson, in order.
pub fn table() -> Vec<Entry> {
    let lessons = <Lesson as clap::Subcommand>::augment_subcommands(clap::Command::new("lessons"));
    lessons.get_subcommands().map(Entry::from_command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lesson_has_a_page_with_a_title_a_question_and_minutes() {
        for lesson in table() {
            let page = &lesson.page;
            assert!(!page.title.is_empty(), "{} has no title", lesson.name);
            assert!(page.question.ends_with('?'), "{} has no question", lesson.name);
            assert!(page.minutes > 0, "{} has no minutes", lesson.name);
        }
    }

    #[test]
    fn every_page_belongs_to_a_lesson() {
        let names: Vec<String> = table().into_iter().map(|lesson| lesson.name).collect();
        for (page, _) in PAGES {
            assert!(names.iter().any(|name| name == page), "page {page} has no lesson");
        }
    }

    #[test]
    fn no_spelling_stands_for_two_lessons() {
        let table = table();
        let mut spellings: Vec<&str> = table.iter().flat_map(Entry::spellings).collect();
        let count = spellings.len();
        spellings.sort_unstable();
        spellings.dedup();
        assert_eq!(spellings.len(), count);
    }
}
