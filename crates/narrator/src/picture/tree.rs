//! The processes of a run as a tree: the primary, its workers, and how each ended.

use super::Choice;
use super::reading::{ENDS, deed, is_worker};
use crate::sentence::Sentence;
use crate::text::harmless;

struct Process {
    name: String,
    pid: Option<u32>,
    end: String,
}

/// Draws everybody that the sentences are about. A worker that nothing was told of is not in it.
pub(super) fn draw(sentences: &[Sentence], choice: &Choice, with_pids: bool) -> String {
    let mut primary = Process::new("primary");
    let mut workers: Vec<Process> = Vec::new();
    for sentence in sentences.iter().filter(|sentence| choice.takes(sentence)) {
        let name = match harmless(&sentence.actor) {
            actor if is_worker(&actor) => actor,
            actor if actor == "primary" => {
                primary.pid = sentence.pid.or(primary.pid);
                match forked(&deed(sentence)) {
                    Some(worker) => worker,
                    None => continue,
                }
            }
            _ => continue,
        };
        let at = workers.iter().position(|it| it.name == name).unwrap_or_else(|| {
            workers.push(Process::new(&name));
            workers.len() - 1
        });
        workers[at].hear(sentence);
    }
    workers.sort_by_key(Process::number);

    let column = workers.iter().map(|it| it.label(with_pids).chars().count()).max().unwrap_or(0);
    let mut lines = vec![primary.label(with_pids)];
    let last = workers.len().saturating_sub(1);
    for (at, worker) in workers.iter().enumerate() {
        let branch = if at == last { "`--" } else { "|--" };
        let line = format!("{branch} {:column$}  {}", worker.label(with_pids), worker.end);
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// The worker that this deed starts.
fn forked(deed: &str) -> Option<String> {
    let rest = deed.strip_prefix("forks worker ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    (digits > 0).then(|| format!("worker {}", &rest[..digits]))
}

impl Process {
    fn new(name: &str) -> Process {
        Process { name: name.to_owned(), pid: None, end: String::new() }
    }

    fn hear(&mut self, sentence: &Sentence) {
        if sentence.actor != self.name {
            return;
        }
        self.pid = sentence.pid.or(self.pid);
        let deed = deed(sentence);
        if ENDS.iter().any(|way| deed.starts_with(way)) {
            self.end = deed;
        }
    }

    fn number(&self) -> u32 {
        self.name.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    fn label(&self, with_pid: bool) -> String {
        match self.pid {
            Some(pid) if with_pid => format!("{} [{pid}]", self.name),
            _ => self.name.clone(),
        }
    }
}
