//! A row of the table: one of Node's tests, and how it is told in each pairing.

use cluster::{Primary, Worker};

use crate::harness::{Test, test};
use crate::node;
use crate::obeys::obeys;

/// Who is on which side of the channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pairing {
    Rust,
    /// A Rust primary, and workers in Node.
    NodeWorker,
    /// A Node primary, and workers in Rust.
    NodePrimary,
}

pub const PAIRINGS: [Pairing; 3] = [Pairing::Rust, Pairing::NodeWorker, Pairing::NodePrimary];

pub type Needs = fn() -> Result<(), String>;

/// Where a row comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// Node's `test-cluster-…`, with its number in our list.
    Cluster(u32),
    /// Another test of Node's that is about cluster.
    Related,
    /// No test of Node's: ours.
    Ours,
}

/// One of Node's tests. Without more words it runs in all pairings: the Rust halves as given here,
/// the Node halves under the same name in `tests/node/conformance_primary.mjs` and, where the
/// worker does not simply obey, `conformance_worker.mjs`.
#[derive(Clone)]
pub struct Row {
    pub source: Source,
    pub name: &'static str,
    test: Test,
    needs: Vec<(Option<Pairing>, Needs)>,
    does_not_apply: Vec<(Pairing, &'static str)>,
}

pub fn row(number: u32, name: &'static str) -> Row {
    Row::new(Source::Cluster(number), name)
}

pub fn related(name: &'static str) -> Row {
    Row::new(Source::Related, name)
}

pub fn ours(name: &'static str) -> Row {
    Row::new(Source::Ours, name)
}

impl Row {
    fn new(source: Source, name: &'static str) -> Row {
        let test = test(name).worker(obeys);
        Row { source, name, test, needs: Vec::new(), does_not_apply: Vec::new() }
    }

    fn with(mut self, change: impl FnOnce(Test) -> Test) -> Row {
        self.test = change(self.test);
        self
    }

    pub fn primary(self, primary: fn(Primary)) -> Row {
        self.with(|test| test.primary(primary))
    }

    /// What each worker does, where it does not obey orders.
    pub fn worker(self, worker: fn(Worker, &str)) -> Row {
        self.with(|test| test.worker(worker))
    }

    pub fn plain(self, plain: fn(&str)) -> Row {
        self.with(|test| test.plain(plain))
    }

    pub fn outside(self, outside: fn(&Test)) -> Row {
        self.with(|test| test.outside(outside))
    }

    pub fn policy(self, policy: &'static str) -> Row {
        self.with(|test| test.policy(policy))
    }

    pub fn needs(mut self, needs: Needs) -> Row {
        self.needs.push((None, needs));
        self
    }

    pub fn needs_in(mut self, pairing: Pairing, needs: Needs) -> Row {
        self.needs.push((Some(pairing), needs));
        self
    }

    /// It cannot be told in that pairing.
    pub fn not_in(mut self, pairing: Pairing, reason: &'static str) -> Row {
        self.does_not_apply.push((pairing, reason));
        self
    }

    /// It cannot be told with Node on one of the sides.
    pub fn rust_only(self, reason: &'static str) -> Row {
        self.not_in(Pairing::NodeWorker, reason).not_in(Pairing::NodePrimary, reason)
    }

    /// Node's name for it.
    pub fn title(&self) -> String {
        let name = self.name.replace('_', "-");
        match self.source {
            Source::Cluster(_) => format!("test-cluster-{name}"),
            Source::Related => format!("test-{name}"),
            Source::Ours => self.name.replace('_', " "),
        }
    }

    pub fn why_not(&self, pairing: Pairing) -> Option<&'static str> {
        self.does_not_apply.iter().find(|(it, _)| *it == pairing).map(|(_, reason)| *reason)
    }

    /// What the machine lacks for it.
    pub fn lacks(&self, pairing: Pairing) -> Result<(), String> {
        if pairing != Pairing::Rust {
            node::node_20()?;
        }
        let mut mine = self.needs.iter().filter(|(it, _)| it.is_none_or(|it| it == pairing));
        mine.try_for_each(|(_, needs)| needs())
    }

    pub fn test(&self, pairing: Pairing) -> Test {
        let name = match pairing {
            Pairing::Rust => return self.test,
            Pairing::NodeWorker => format!("rust_primary_node_worker::{}", self.name),
            Pairing::NodePrimary => format!("node_primary_rust_worker::{}", self.name),
        };
        let mut test = self.test;
        test.name = name.leak();
        match pairing {
            Pairing::NodePrimary => test.command(node::primary),
            _ => test.before(node::set_up_workers),
        }
    }

    pub fn tests(&self) -> Vec<Test> {
        let told = PAIRINGS.into_iter().filter(|&pairing| self.why_not(pairing).is_none());
        told.map(|pairing| self.test(pairing)).collect()
    }
}
