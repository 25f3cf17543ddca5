//! Which parts wait, which are out, and what came back. Plain data: who the
//! workers are, and how they die, is not known here.

use std::collections::VecDeque;

/// A part that ended so many workers is not given to another one.
pub(crate) const TRIES: u32 = 3;

/// The parts of one task, by number.
#[derive(Clone, Debug)]
pub(crate) struct Queue<Answer> {
    waiting: VecDeque<usize>,
    parts: Vec<Part<Answer>>,
}

#[derive(Clone, Debug, Default)]
struct Part<Answer> {
    /// How many workers it has ended.
    ended: u32,
    answer: Option<Answer>,
}

/// A part that ends every worker that takes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GiveUp;

impl<Answer> Queue<Answer> {
    pub(crate) fn new(parts: usize) -> Queue<Answer> {
        let part = |_| Part { ended: 0, answer: None };
        Queue {
            waiting: (0..parts).collect(),
            parts: (0..parts).map(part).collect(),
        }
    }

    /// The next part for a free worker.
    pub(crate) fn take(&mut self) -> Option<usize> {
        self.waiting.pop_front()
    }

    /// The part came back with its answer, after the others or before them.
    pub(crate) fn done(&mut self, part: usize, answer: Answer) {
        self.parts[part].answer = Some(answer);
    }

    /// The part could not be given to a worker, or it was ours to blame that
    /// the worker is gone: it goes out again, before all others.
    pub(crate) fn put_back(&mut self, part: usize) {
        self.waiting.push_front(part);
    }

    // ANCHOR: lost
    /// The worker died with the part in its hands.
    pub(crate) fn lost(&mut self, part: usize) -> Result<(), GiveUp> {
        self.parts[part].ended += 1;
        if self.parts[part].ended == TRIES {
            return Err(GiveUp);
        }
        self.put_back(part);
        Ok(())
    }
    // ANCHOR_END: lost
}

impl<Answer> Queue<Answer> {
    /// How many parts are done.
    pub(crate) fn count_done(&self) -> usize {
        self.parts.iter().filter(|part| part.answer.is_some()).count()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.count_done() == self.parts.len()
    }

    /// The answers, in the order of the parts.
    pub(crate) fn into_answers(self) -> Vec<Answer> {
        self.parts.into_iter().filter_map(|part| part.answer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_come_in_any_order_and_are_kept_in_the_order_of_the_parts() {
        let mut queue = Queue::new(3);
        let parts: Vec<usize> = std::iter::from_fn(|| queue.take()).collect();
        assert_eq!(parts, [0, 1, 2]);
        for part in [2, 0, 1] {
            assert!(!queue.is_done());
            queue.done(part, part * 10);
        }
        assert!(queue.is_done());
        assert_eq!(queue.into_answers(), [0, 10, 20]);
    }

    #[test]
    fn a_lost_part_is_the_next_to_go_out() {
        let mut queue = Queue::<()>::new(3);
        assert_eq!(queue.take(), Some(0));
        assert_eq!(queue.lost(0), Ok(()));
        assert_eq!(queue.take(), Some(0));
    }

    #[test]
    fn a_part_that_ends_every_worker_is_given_up() {
        let mut queue = Queue::<()>::new(1);
        for _ in 1..TRIES {
            assert_eq!(queue.take(), Some(0));
            assert_eq!(queue.lost(0), Ok(()));
        }
        assert_eq!(queue.take(), Some(0));
        assert_eq!(queue.lost(0), Err(GiveUp));
    }

    #[test]
    fn a_part_is_not_to_blame_for_what_we_did() {
        let mut queue = Queue::<()>::new(1);
        for _ in 0..100 {
            assert_eq!(queue.take(), Some(0));
            queue.put_back(0);
        }
        assert_eq!(queue.take(), Some(0));
        assert_eq!(queue.lost(0), Ok(()));
    }

    proptest! {
        /// Whatever the workers do, a part is in one place only, and none is forgotten.
        #[test]
        fn every_part_is_answered_exactly_once(
            parts in 0usize..20,
            deeds in proptest::collection::vec((0u8..4, any::<prop::sample::Index>()), 0..200),
        ) {
            let mut queue = Queue::new(parts);
            let (mut out, mut answered) = (Vec::new(), 0);
            for (deed, which) in deeds {
                if deed == 0 || out.is_empty() {
                    out.extend(queue.take());
                    continue;
                }
                let part = out.swap_remove(which.index(out.len()));
                match deed {
                    1 => { queue.done(part, part); answered += 1; }
                    2 => queue.put_back(part),
                    _ if queue.lost(part).is_err() => return Ok(()),
                    _ => {}
                }
                let mut places: Vec<usize> = out.iter().chain(&queue.waiting).copied().collect();
                places.sort_unstable();
                let count = places.len();
                places.dedup();
                prop_assert_eq!(places.len(), count);
                prop_assert_eq!(places.len() + answered, parts);
                prop_assert_eq!(queue.count_done(), answered);
            }
            loop {
                out.extend(queue.take());
                let Some(part) = out.pop() else { break };
                queue.done(part, part);
            }
            prop_assert!(queue.is_done());
            prop_assert_eq!(queue.into_answers(), (0..parts).collect::<Vec<_>>());
        }
    }
}
