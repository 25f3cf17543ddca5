//! Who has answered how many requests: the primary asks all workers, and then
//! answers the one that wants to know. Plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use cluster::WorkerId;

/// How long a worker may take to say its count: a frozen one never does.
const PATIENCE: Duration = Duration::from_millis(300);

#[derive(Default)]
pub(crate) struct Census {
    counts: BTreeMap<WorkerId, u64>,
    last: u64,
    questions: BTreeMap<u64, Question>,
}

struct Question {
    /// Who wants to know, in which of its requests.
    asker: WorkerId,
    request: u64,
    missing: BTreeSet<WorkerId>,
    until: Instant,
}

impl Census {
    /// A worker wants to know. All of these are to be asked this question.
    pub(crate) fn begin(
        &mut self,
        asker: WorkerId,
        request: u64,
        everybody: impl Iterator<Item = WorkerId>,
    ) -> u64 {
        self.last += 1;
        let until = Instant::now() + PATIENCE;
        let missing = everybody.collect();
        let question = Question { asker, request, missing, until };
        self.questions.insert(self.last, question);
        self.last
    }

    pub(crate) fn count(&mut self, worker: WorkerId, question: u64, n: u64) {
        self.counts.insert(worker, n);
        // Who answers a question knows no less about those before it.
        for (_, question) in self.questions.range_mut(..=question) {
            question.missing.remove(&worker);
        }
    }

    pub(crate) fn gone(&mut self, worker: WorkerId) {
        self.counts.remove(&worker);
        for question in self.questions.values_mut() {
            question.missing.remove(&worker);
        }
    }

    pub(crate) fn of(&self, worker: WorkerId) -> u64 {
        self.counts.get(&worker).copied().unwrap_or_default()
    }

    /// Who can be answered now, and for which of its requests.
    pub(crate) fn complete(&mut self, now: Instant) -> Vec<(WorkerId, u64)> {
        let done = |it: &Question| it.missing.is_empty() || it.until <= now;
        let complete = self.questions.values().filter(|it| done(it));
        let complete = complete.map(|it| (it.asker, it.request)).collect();
        self.questions.retain(|_, it| !done(it));
        complete
    }

    /// When somebody must be answered, whoever is missing.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.questions.values().map(|question| question.until).min()
    }
}
