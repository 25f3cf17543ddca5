//! Whatever happens, no connection is lost, and only who waits gets one.

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
    let mut rotation = rotation(Member::says_when());
    (0..3).for_each(|connection| rotation.offer(connection));
    assert_eq!(rotation.hand_out(), None, "nobody waits yet");
    rotation.waits_up_to(TWO, 1);
    rotation.waits_up_to(ONE, 1);
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
    let mut rotation = rotation(Member::says_when());
    rotation.waits_up_to(ONE, 1);
    rotation.offer(7);
    rotation.offer(8);
    assert_eq!(rotation.hand_out(), Some((ONE, 7)));
    assert!(!rotation.leave(ONE));
    rotation.take_back(7);
    rotation.waits_up_to(TWO, 1);
    assert_eq!(rotation.hand_out(), Some((TWO, 7)));
    assert!(rotation.leave(TWO), "the last one");
    assert!(!rotation.leave(TWO), "once");
}

#[test]
fn who_waits_no_more_gets_nothing() {
    let mut rotation = rotation(Member::says_when());
    rotation.waits_up_to(ONE, 2);
    rotation.waits_up_to(ONE, 1);
    rotation.waits_up_to(TWO, 0);
    rotation.offer(1);
    rotation.offer(2);
    assert_eq!(rotation.hand_out(), Some((ONE, 1)));
    assert_eq!(rotation.hand_out(), None);
}

#[test]
fn a_call_that_ends_and_one_that_begins_while_a_connection_is_under_way_count_right() {
    let mut rotation = rotation(Member::says_when());
    rotation.waits_up_to(ONE, 1);
    rotation.offer(1);
    assert_eq!(rotation.hand_out(), Some((ONE, 1)));
    // Before it gets this one: the call ends at its deadline, and another begins.
    rotation.waits_up_to(ONE, 0);
    rotation.waits_up_to(ONE, 1);
    rotation.offer(2);
    assert_eq!(rotation.hand_out(), None, "the one call has its connection");
    rotation.got_nothing(ONE); // but it is lost
    assert_eq!(rotation.hand_out(), Some((ONE, 2)));
}

#[test]
fn a_worker_that_claims_to_wait_for_ever_so_many_costs_little() {
    let mut rotation = rotation(Member::says_when());
    rotation.waits_up_to(ONE, u64::MAX);
    assert_eq!(rotation.free.len(), CALLS);
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
        let mut waiting: BTreeMap<WorkerId, u64> = BTreeMap::new();
        let (mut offered, mut out) = (0, Vec::new());
        for step in steps {
            match step {
                Step::Join(worker, says) if !rotation.contains(WorkerId(worker)) => {
                    let says_when = Member::says_when();
                    let member = if says { says_when } else { Member::AlwaysWaits };
                    rotation.join(WorkerId(worker), member);
                    waiting.insert(WorkerId(worker), u64::from(!says));
                }
                Step::Join(..) => {}
                Step::Waits(worker) => {
                    let worker = WorkerId(worker);
                    if let Some(Member::SaysWhen { given, .. }) = rotation.members.get(&worker) {
                        let calls = waiting.entry(worker).or_default();
                        *calls += 1;
                        let up_to = given + *calls;
                        rotation.waits_up_to(worker, up_to);
                    }
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
                        if rotation.members.get(&worker) == Some(&Member::AlwaysWaits) {
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
