//! Whatever happens, no connection is lost, and only who waits gets one.

use super::*;
use proptest::prelude::*;

const ONE: WorkerId = WorkerId(1);
const TWO: WorkerId = WorkerId(2);

fn rotation(says: Says) -> Rotation<u32> {
    let mut rotation = Rotation::new();
    rotation.join(ONE, says);
    rotation.join(TWO, says);
    rotation
}

#[test]
fn the_longest_wait_is_served_first() {
    let mut rotation = rotation(Says::when());
    (0..3).for_each(|connection| rotation.offer(connection));
    assert_eq!(rotation.hand_out(), None, "nobody waits yet");
    rotation.waits_up_to(TWO, 1);
    rotation.waits_up_to(ONE, 1);
    assert_eq!(rotation.hand_out(), Some((TWO, 0)));
    assert_eq!(rotation.hand_out(), Some((ONE, 1)));
    assert_eq!(rotation.hand_out(), None, "both are busy, whatever waits in the queue");
}

#[test]
fn a_worker_with_several_calls_that_wait_takes_turns_with_the_others() {
    let mut rotation = rotation(Says::when());
    rotation.waits_up_to(ONE, 3);
    rotation.waits_up_to(TWO, 1);
    assert_eq!(rotation.calls(), 4);
    (0..5).for_each(|connection| rotation.offer(connection));
    let order: Vec<WorkerId> = std::iter::from_fn(|| rotation.hand_out()).map(|it| it.0).collect();
    assert_eq!(order, [ONE, TWO, ONE, ONE]);
    assert_eq!((rotation.calls(), rotation.queued()), (0, 1));
}

#[test]
fn a_node_worker_waits_again_as_soon_as_it_has_answered() {
    let mut rotation = rotation(Says::Nothing);
    (0..3).for_each(|connection| rotation.offer(connection));
    assert_eq!(rotation.hand_out(), Some((ONE, 0)));
    rotation.answered(ONE);
    rotation.answered(ONE); // whatever it says: one is one
    assert_eq!(rotation.hand_out(), Some((TWO, 1)));
    assert_eq!(rotation.hand_out(), Some((ONE, 2)));
    assert_eq!(rotation.calls(), 0);
}

#[test]
fn who_says_when_it_waits_does_not_wait_by_its_answer() {
    let mut rotation = rotation(Says::when());
    rotation.answered(ONE);
    assert!(!rotation.is_free(ONE) && rotation.says_when(ONE));
}

#[test]
fn a_connection_that_comes_back_goes_first_to_somebody_else() {
    let mut rotation = rotation(Says::when());
    rotation.waits_up_to(ONE, 1);
    rotation.offer(7);
    rotation.offer(8);
    assert_eq!(rotation.hand_out(), Some((ONE, 7)));
    rotation.leave(ONE);
    assert!(!rotation.is_empty());
    rotation.take_back(7);
    rotation.waits_up_to(TWO, 1);
    assert!(rotation.is_free(TWO) && !rotation.is_free(ONE));
    assert_eq!(rotation.hand_out(), Some((TWO, 7)));
    rotation.leave(TWO);
    assert!(rotation.is_empty());
}

#[test]
fn who_leaves_while_it_waits_waits_no_more() {
    let mut rotation = rotation(Says::when());
    rotation.waits_up_to(ONE, 5);
    rotation.leave(ONE);
    rotation.offer(1);
    assert_eq!((rotation.hand_out(), rotation.calls()), (None, 0));
    rotation.join(ONE, Says::when());
    assert_eq!(rotation.hand_out(), None, "it has to say so again");
}

#[test]
fn who_waits_no_more_gets_nothing() {
    let mut rotation = rotation(Says::when());
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
    let mut rotation = rotation(Says::when());
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
fn a_node_worker_that_got_nothing_waits_again() {
    let mut rotation = rotation(Says::Nothing);
    rotation.offer(1);
    assert_eq!(rotation.hand_out(), Some((ONE, 1)));
    rotation.got_nothing(ONE);
    assert!(rotation.is_free(ONE));
}

#[test]
fn a_worker_that_claims_to_wait_for_ever_so_many_costs_little() {
    let mut rotation = rotation(Says::when());
    rotation.waits_up_to(ONE, u64::MAX);
    assert_eq!((rotation.free.len(), rotation.calls()), (1, CALLS));
}

#[test]
fn there_is_room_until_the_queue_is_full() {
    let mut rotation = rotation(Says::when());
    (1..QUEUE).for_each(|it| rotation.offer(it as u32));
    assert!(rotation.has_room());
    rotation.offer(0);
    assert!(!rotation.has_room());
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
                    let says_when = if says { Says::when() } else { Says::Nothing };
                    rotation.join(WorkerId(worker), says_when);
                    waiting.insert(WorkerId(worker), u64::from(!says));
                }
                Step::Join(..) => {}
                Step::Waits(worker) => {
                    let worker = WorkerId(worker);
                    let says = rotation.members.get(&worker).map(|member| member.says);
                    if let Some(Says::When { given, .. }) = says {
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
                    } else {
                        prop_assert!(rotation.queue.is_empty() || waiting.values().all(|it| *it == 0));
                    }
                }
                Step::Refuse => {
                    if let Some((worker, connection)) = out.pop() {
                        if rotation.contains(worker) && !rotation.says_when(worker) {
                            waiting.insert(worker, 1);
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
            let free: u64 = waiting.values().sum();
            prop_assert_eq!(rotation.calls() as u64, free);
        }
        let mut all: Vec<u32> = out.iter().map(|(_, connection)| *connection).collect();
        all.extend(rotation.queue);
        all.sort_unstable();
        prop_assert_eq!(all, (0..offered).collect::<Vec<_>>());
    }
}
