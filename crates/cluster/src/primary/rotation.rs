//! Round robin as plain data: who waits, and which connection goes to whom. Node's `round_robin_handle.js`.
//!
//! It is no circle of workers but a queue of those that wait: the longest wait is served first.

use std::collections::{BTreeMap, VecDeque};

use crate::WorkerId;

/// How many connections may wait in the primary for a worker. The next ones wait in the kernel's backlog.
const QUEUE: usize = 128;

#[derive(Debug)]
pub(crate) struct Rotation<C> {
    members: BTreeMap<WorkerId, Member>,
    /// Workers that wait, the longest first; one that waits in several threads stands here several times.
    free: VecDeque<WorkerId>,
    queue: VecDeque<C>,
}

/// How a worker says that it waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Member {
    /// It says so itself, each time that its program waits in `accept`.
    SaysWhen,
    /// It never says: it counts as waiting from the moment that it answered the last connection, as in Node.
    AlwaysWaits,
}

impl<C> Rotation<C> {
    pub(crate) fn new() -> Rotation<C> {
        Rotation { members: BTreeMap::new(), free: VecDeque::new(), queue: VecDeque::new() }
    }

    pub(crate) fn join(&mut self, worker: WorkerId, member: Member) {
        self.members.insert(worker, member);
        if member == Member::AlwaysWaits {
            self.free.push_back(worker);
        }
    }

    pub(crate) fn contains(&self, worker: WorkerId) -> bool {
        self.members.contains_key(&worker)
    }

    pub(crate) fn member(&self, worker: WorkerId) -> Option<Member> {
        self.members.get(&worker).copied()
    }

    /// The worker's program waits in one more call of `accept`.
    pub(crate) fn waits(&mut self, worker: WorkerId) {
        if self.member(worker) == Some(Member::SaysWhen) {
            self.free.push_back(worker);
        }
    }

    /// One of its calls went on without a connection.
    pub(crate) fn waits_no_more(&mut self, worker: WorkerId) {
        if self.member(worker) == Some(Member::SaysWhen)
            && let Some(at) = self.free.iter().rposition(|&free| free == worker)
        {
            self.free.remove(at);
        }
    }

    /// The worker took or refused a connection.
    pub(crate) fn answered(&mut self, worker: WorkerId) {
        if self.member(worker) == Some(Member::AlwaysWaits) {
            self.free.push_back(worker);
        }
    }

    /// A new connection.
    pub(crate) fn offer(&mut self, connection: C) {
        self.queue.push_back(connection);
    }

    /// A connection that was handed out and not taken: it has waited longest.
    pub(crate) fn take_back(&mut self, connection: C) {
        self.queue.push_front(connection);
    }

    /// The next connection, and who gets it.
    pub(crate) fn hand_out(&mut self) -> Option<(WorkerId, C)> {
        if self.queue.is_empty() {
            return None;
        }
        let worker = self.free.pop_front()?;
        Some((worker, self.queue.pop_front()?))
    }

    /// Removes a worker. Returns whether it was a member, and the last one.
    pub(crate) fn leave(&mut self, worker: WorkerId) -> bool {
        self.free.retain(|&free| free != worker);
        self.members.remove(&worker).is_some() && self.members.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether the worker waits for a connection.
    pub(crate) fn is_free(&self, worker: WorkerId) -> bool {
        self.free.contains(&worker)
    }

    /// Whether more connections should be accepted from the kernel.
    pub(crate) fn has_room(&self) -> bool {
        self.queue.len() < QUEUE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: WorkerId = WorkerId(1);
    const TWO: WorkerId = WorkerId(2);

    fn rotation(member: Member) -> Rotation<u32> {
        let mut rotation = Rotation::new();
        rotation.join(ONE, member);
        rotation.join(TWO, member);
        rotation
    }

    #[test]
    fn the_longest_wait_is_served_first() {
        let mut rotation = rotation(Member::SaysWhen);
        (0..3).for_each(|connection| rotation.offer(connection));
        assert_eq!(rotation.hand_out(), None, "nobody waits yet");
        rotation.waits(TWO);
        rotation.waits(ONE);
        assert_eq!(rotation.hand_out(), Some((TWO, 0)));
        assert_eq!(rotation.hand_out(), Some((ONE, 1)));
        assert_eq!(rotation.hand_out(), None, "both are busy, whatever waits in the queue");
    }

    #[test]
    fn a_node_worker_waits_again_as_soon_as_it_has_answered() {
        let mut rotation = rotation(Member::AlwaysWaits);
        (0..3).for_each(|connection| rotation.offer(connection));
        assert_eq!(rotation.hand_out(), Some((ONE, 0)));
        rotation.answered(ONE);
        assert_eq!(rotation.hand_out(), Some((TWO, 1)));
        assert_eq!(rotation.hand_out(), Some((ONE, 2)));
    }

    #[test]
    fn a_connection_that_comes_back_goes_first_to_somebody_else() {
        let mut rotation = rotation(Member::SaysWhen);
        rotation.waits(ONE);
        rotation.offer(7);
        rotation.offer(8);
        assert_eq!(rotation.hand_out(), Some((ONE, 7)));
        assert!(!rotation.leave(ONE));
        rotation.take_back(7);
        rotation.waits(TWO);
        assert_eq!(rotation.hand_out(), Some((TWO, 7)));
        assert!(rotation.leave(TWO), "the last one");
        assert!(!rotation.leave(TWO), "once");
    }

    #[test]
    fn who_waits_no_more_gets_nothing() {
        let mut rotation = rotation(Member::SaysWhen);
        rotation.waits(ONE);
        rotation.waits(ONE);
        rotation.waits_no_more(ONE);
        rotation.waits_no_more(TWO);
        rotation.offer(1);
        rotation.offer(2);
        assert_eq!(rotation.hand_out(), Some((ONE, 1)));
        assert_eq!(rotation.hand_out(), None);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Join(u32, bool),
        Waits(u32),
        Offer,
        HandOut,
        Refuse,
        Leave(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..4u32, any::<bool>()).prop_map(|(worker, says)| Step::Join(worker, says)),
            (0..4u32).prop_map(Step::Waits),
            Just(Step::Offer),
            Just(Step::HandOut),
            Just(Step::Refuse),
            (0..4u32).prop_map(Step::Leave),
        ]
    }

    proptest! {
        /// Whatever happens: no connection is lost or doubled, and only members that wait get one.
        #[test]
        fn no_connection_is_lost(steps in proptest::collection::vec(step(), 0..200)) {
            let mut rotation = Rotation::new();
            let mut waiting: BTreeMap<WorkerId, usize> = BTreeMap::new();
            let (mut offered, mut out) = (0, Vec::new());
            for step in steps {
                match step {
                    Step::Join(worker, says) if !rotation.contains(WorkerId(worker)) => {
                        let member = if says { Member::SaysWhen } else { Member::AlwaysWaits };
                        rotation.join(WorkerId(worker), member);
                        waiting.insert(WorkerId(worker), usize::from(!says));
                    }
                    Step::Join(..) => {}
                    Step::Waits(worker) => {
                        let worker = WorkerId(worker);
                        if rotation.member(worker) == Some(Member::SaysWhen) {
                            *waiting.entry(worker).or_default() += 1;
                        }
                        rotation.waits(worker);
                    }
                    Step::Offer => {
                        rotation.offer(offered);
                        offered += 1;
                    }
                    Step::HandOut => {
                        if let Some((worker, connection)) = rotation.hand_out() {
                            let credit = waiting.get_mut(&worker).unwrap();
                            prop_assert!(*credit > 0);
                            *credit -= 1;
                            out.push((worker, connection));
                        }
                    }
                    Step::Refuse => {
                        if let Some((worker, connection)) = out.pop() {
                            if rotation.member(worker) == Some(Member::AlwaysWaits) {
                                *waiting.entry(worker).or_default() += 1;
                            }
                            rotation.answered(worker);
                            rotation.take_back(connection);
                        }
                    }
                    Step::Leave(worker) => {
                        rotation.leave(WorkerId(worker));
                        waiting.remove(&WorkerId(worker));
                    }
                }
            }
            let mut all: Vec<u32> = out.iter().map(|(_, connection)| *connection).collect();
            all.extend(rotation.queue);
            all.sort_unstable();
            prop_assert_eq!(all, (0..offered).collect::<Vec<_>>());
        }
    }
}
