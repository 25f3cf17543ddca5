//! The switchboard without a process: hostile histories, and after each step what must hold.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::rest::REST;
use crate::wire::Received;

const WORKERS: u32 = 4;

/// A switchboard, and what workers would know that carry out its orders.
#[derive(Default)]
struct World {
    board: Switchboard,
    reserve: Reserve,
    policy: SchedulingPolicy,
    /// What each worker was granted: the keys of its listeners, and whether it says when it waits.
    members: BTreeMap<WorkerId, BTreeMap<String, bool>>,
    /// How many connections each worker has asked for, and how many it got, by key.
    asked_for: BTreeMap<(WorkerId, String), (u64, u64)>,
    /// Connections in a worker's hands that it has not answered for: by number.
    held: BTreeMap<u64, (WorkerId, usize)>,
    /// Workers whose channel is closed and whose process lives.
    lingering: BTreeSet<WorkerId>,
    idle: Vec<WorkerId>,
    killed: Vec<WorkerId>,
    refused: usize,
}

fn question(index: u32, waits: bool) -> Received {
    let Value::Object(fields) = json!({
        "act": "queryServer", "address": "127.0.0.1", "port": 0, "addressType": 4,
        "index": index, "waits": waits, "seq": 9,
    }) else {
        unreachable!()
    };
    Received(fields)
}

fn key_of(index: u32) -> String {
    format!("127.0.0.1:0:4:undefined:{index}")
}

impl World {
    fn asks(&mut self, worker: WorkerId, index: u32, waits: bool) {
        self.board.asked(worker, question(index, waits), self.policy, &mut self.reserve);
        self.members.entry(worker).or_default().insert(key_of(index), waits);
        self.asked_for.insert((worker, key_of(index)), (u64::from(!waits), 0));
        self.lingering.remove(&worker);
        self.look();
    }

    fn is_member(&self, worker: WorkerId, index: u32) -> bool {
        self.members.get(&worker).is_some_and(|keys| keys.contains_key(&key_of(index)))
    }

    /// A connection arrives at the listener with that number, if it is there.
    fn comes(&mut self, index: u32) -> bool {
        let key = key_of(index);
        let Some(listener) = self.board.listeners.values_mut().find(|it| it.key == key) else {
            return false;
        };
        let fd = Arc::new(std::io::stderr().as_fd().try_clone_to_owned().unwrap());
        if let Some(rotation) = listener.rotation() {
            rotation.offer(fd);
        }
        listener.hand_out(&mut self.board.desk);
        self.look();
        true
    }

    fn waits(&mut self, worker: WorkerId, index: u32) {
        if let Some((wanted, _)) = self.asked_for.get_mut(&(worker, key_of(index))) {
            *wanted += 1;
            let wanted = *wanted;
            self.board.waits(worker, &key_of(index), wanted);
            self.look();
        }
    }

    fn answers(&mut self, accepted: bool) {
        let Some((&seq, &(worker, _))) = self.held.iter().next() else { return };
        self.held.remove(&seq);
        self.board.answered(worker, seq, accepted);
        self.look();
    }

    fn leaves(&mut self, worker: WorkerId, voluntary: bool) {
        self.members.remove(&worker);
        self.asked_for.retain(|(member, _), _| *member != worker);
        self.board.leaves(worker, voluntary);
        self.lingering.insert(worker);
        self.look();
    }

    fn dies(&mut self, worker: WorkerId) {
        self.leaves(worker, false);
        self.held.retain(|_, (holder, _)| *holder != worker);
        self.lingering.remove(&worker);
        self.board.gone(worker);
        self.look();
    }

    /// Carries out the orders as far as a world without processes can, and checks each.
    fn look(&mut self) {
        while let Some(order) = self.board.next_order() {
            match order {
                Order::Hand { worker, seq, key, connection, nonblocking } => {
                    let connection = Arc::as_ptr(&connection) as usize;
                    let says_when = self.members.get(&worker).and_then(|keys| keys.get(&key));
                    assert_eq!(says_when, Some(&!nonblocking), "{worker} is no member of {key}");
                    let mut holders = self.held.values().filter(|(_, held)| *held == connection);
                    assert_eq!(holders.next(), None, "handed out while somebody holds it");
                    assert_eq!(self.held.insert(seq, (worker, connection)), None);
                    let (wanted, got) = self.asked_for.get_mut(&(worker, key)).unwrap();
                    *got += 1;
                    assert!(nonblocking || got <= wanted, "{worker} did not wait");
                }
                Order::Reply { reply, .. } => {
                    let errno = reply.errno.as_ref().and_then(Value::as_i64);
                    self.refused += usize::from(errno.is_some_and(|errno| errno < 0));
                }
                Order::Tell(Event::Idle(worker)) => self.idle.push(worker),
                Order::Tell(_) => {}
                Order::Kill(worker) => self.killed.push(worker),
            }
        }
        for listener in self.board.listeners.values_mut() {
            if let Some(rotation) = listener.rotation() {
                let idle = rotation.calls();
                assert!(rotation.queued() == 0 || idle == 0, "a client waits while somebody idles");
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Asks(u32, u32, bool),
    Comes(u32),
    Waits(u32, u32),
    Answers(bool),
    Lost,
    Closes(u32, u32),
    Leaves(u32, bool),
    Dies(u32),
    Abandon(u32),
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let worker = || 1..=WORKERS;
    prop_oneof![
        3 => (worker(), 0..2u32, any::<bool>()).prop_map(|(w, i, says)| Step::Asks(w, i, says)),
        6 => (0..2u32).prop_map(Step::Comes),
        6 => (worker(), 0..2u32).prop_map(|(w, i)| Step::Waits(w, i)),
        6 => any::<bool>().prop_map(Step::Answers),
        1 => Just(Step::Lost),
        1 => (worker(), 0..2u32).prop_map(|(w, i)| Step::Closes(w, i)),
        1 => (worker(), any::<bool>()).prop_map(|(w, voluntary)| Step::Leaves(w, voluntary)),
        1 => worker().prop_map(Step::Dies),
        1 => worker().prop_map(Step::Abandon),
        2 => Just(Step::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Nothing is handed to two workers, nothing is forgotten while its listener is open, only who
    /// waits gets something, and no client waits while a worker idles: `World::look` checks each
    /// order.
    #[test]
    fn whatever_happens_no_connection_is_doubled_or_forgotten(steps in proptest::collection::vec(step(), 0..120)) {
        let mut world = World::default();
        let mut now = Instant::now();
        let mut offered = 0;
        for step in steps {
            match step {
                Step::Asks(worker, index, waits) => {
                    let worker = WorkerId(worker);
                    if !world.is_member(worker, index) && !world.lingering.contains(&worker) {
                        world.asks(worker, index, waits);
                    }
                }
                Step::Comes(index) => offered += usize::from(world.comes(index)),
                Step::Waits(worker, index) => world.waits(WorkerId(worker), index),
                Step::Answers(accepted) => world.answers(accepted),
                Step::Lost => {
                    let Some((&seq, &(worker, _))) = world.held.iter().next() else { continue };
                    world.held.remove(&seq);
                    world.board.not_taken(seq, worker);
                    world.look();
                }
                Step::Closes(worker, index) => {
                    let worker = WorkerId(worker);
                    world.board.closes(worker, &key_of(index));
                    if let Some(keys) = world.members.get_mut(&worker) {
                        keys.remove(&key_of(index));
                    }
                    world.asked_for.remove(&(worker, key_of(index)));
                    world.look();
                }
                Step::Leaves(worker, voluntary) => world.leaves(WorkerId(worker), voluntary),
                Step::Dies(worker) => world.dies(WorkerId(worker)),
                Step::Abandon(worker) => world.board.abandon(WorkerId(worker)),
                Step::Tick => {
                    now += REST;
                    world.board.tick(now, world.policy, &mut world.reserve);
                    world.look();
                }
            }
            let queued: usize = world.board.listeners.values_mut()
                .filter_map(|listener| listener.rotation().map(|it| it.queued())).sum();
            prop_assert!(queued + world.held.len() <= offered);
        }
        // Whoever is left comes for everything that was not lost with its listener.
        for worker in 1..=WORKERS {
            world.dies(WorkerId(worker));
        }
        prop_assert!(!world.board.desk.is_anything_under_way());
    }
}

const ONE: WorkerId = WorkerId(1);
const TWO: WorkerId = WorkerId(2);

fn two_workers(waits: bool) -> World {
    let mut world = World::default();
    world.asks(ONE, 0, waits);
    world.asks(TWO, 0, waits);
    world
}

fn holder(world: &World) -> Vec<WorkerId> {
    world.held.values().map(|(worker, _)| *worker).collect()
}

#[test]
fn a_connection_of_a_worker_that_leaves_goes_on_when_it_can_answer_no_more_and_not_before() {
    let mut world = two_workers(true);
    world.waits(ONE, 0);
    world.comes(0);
    assert_eq!(holder(&world), [ONE]);
    world.waits(TWO, 0);
    world.leaves(ONE, false);
    assert_eq!(holder(&world), [ONE], "it may hold the descriptor");
    world.dies(ONE);
    assert_eq!(holder(&world), [TWO]);
}

#[test]
fn who_does_not_take_a_connection_in_time_is_killed_once() {
    let mut world = two_workers(true);
    let limit = Duration::from_millis(300);
    world.board.limit(ONE, limit);
    world.waits(ONE, 0);
    world.comes(0);
    let due = world.board.due().unwrap();
    let tick = |world: &mut World, now| {
        world.board.tick(now, SchedulingPolicy::RoundRobin, &mut Reserve::default());
        world.look();
    };
    tick(&mut world, due - Duration::from_millis(1));
    assert_eq!(world.killed, []);
    tick(&mut world, due);
    tick(&mut world, due + limit);
    assert_eq!(world.killed, [ONE]);
    assert_eq!(world.board.due(), None);
}

#[test]
fn who_takes_its_connections_in_time_lives() {
    let mut world = two_workers(true);
    world.board.limit(ONE, Duration::ZERO);
    world.waits(ONE, 0);
    world.comes(0);
    world.answers(true);
    world.board.tick(Instant::now(), SchedulingPolicy::RoundRobin, &mut Reserve::default());
    world.look();
    assert_eq!((world.killed.len(), world.board.due()), (0, None));
}

#[test]
fn the_program_is_told_once_that_a_worker_waits() {
    let mut world = two_workers(true);
    world.board.tell_when_idle(ONE);
    world.look();
    assert_eq!(world.idle, []);
    world.waits(TWO, 0);
    world.waits(ONE, 0);
    world.waits(ONE, 0);
    assert_eq!(world.idle, [ONE]);
    world.board.tell_when_idle(ONE);
    world.look();
    assert_eq!(world.idle, [ONE, ONE], "it waits already");
}

#[test]
fn a_node_worker_that_refuses_rests_and_is_asked_again() {
    let mut world = two_workers(false);
    world.comes(0);
    world.comes(0);
    assert_eq!(holder(&world), [ONE, TWO]);
    world.answers(false);
    assert_eq!(holder(&world), [TWO], "who refused is not asked at once");
    let due = world.board.due().unwrap();
    world.board.tick(due, SchedulingPolicy::RoundRobin, &mut Reserve::default());
    world.look();
    assert_eq!(holder(&world), [TWO, ONE]);
}

#[test]
fn without_a_free_descriptor_a_question_waits_until_there_is_one() {
    let mut world = World::default();
    world.reserve.saw(i32::MAX);
    world.asks(ONE, 0, true);
    assert!(world.board.is_empty() && world.refused == 0);
    let again = world.board.due().unwrap();
    world.board.tick(again, SchedulingPolicy::RoundRobin, &mut world.reserve);
    assert!(world.board.is_empty(), "it is still short");
    let again = world.board.due().unwrap();
    world.board.tick(again, SchedulingPolicy::RoundRobin, &mut Reserve::default());
    assert!(!world.board.is_empty() && world.board.due().is_none());
}

#[test]
fn a_listener_without_users_is_kept_for_a_replacement_of_who_crashed_and_for_nobody_else() {
    let mut world = two_workers(true);
    world.leaves(ONE, false);
    assert_eq!(world.board.orphaned_by().count(), 0, "worker 2 uses it");
    world.leaves(TWO, false);
    assert_eq!(world.board.orphaned_by().collect::<Vec<_>>(), [TWO]);
    world.board.abandon(ONE);
    assert!(!world.board.is_empty());
    world.board.abandon(TWO);
    assert!(world.board.is_empty());
    let mut world = two_workers(true);
    world.leaves(ONE, false);
    world.leaves(TWO, true);
    assert!(world.board.is_empty(), "it meant to leave");
}

#[test]
fn stopping_takes_what_has_arrived_closes_and_is_drained_when_all_of_it_is_taken() {
    let mut world = two_workers(true);
    let listener = world.board.listeners.values().next().unwrap();
    let at = bind_address(listener);
    let early: Vec<_> = (0..3).map(|_| std::net::TcpStream::connect(at).unwrap()).collect();
    world.board.begin_to_stop(&mut Reserve::default());
    world.look();
    assert!(std::net::TcpStream::connect(at).is_err(), "newcomers are refused");
    for _ in &early {
        assert!(!world.board.is_drained());
        world.waits(ONE, 0);
        assert!(!world.board.is_drained(), "it is under way");
        world.answers(true);
    }
    assert!(world.board.is_drained());
    world.asks(WorkerId(3), 7, true);
    world.board.close_all();
    assert!(world.board.is_empty(), "and nobody gets a listener any more");
}

#[test]
fn a_shared_socket_is_drained_when_it_was_seen_empty() {
    let mut world = World { policy: SchedulingPolicy::Shared, ..World::default() };
    world.asks(ONE, 0, true);
    let listener = world.board.listeners.values().next().unwrap();
    let socket = Arc::clone(&listener.bound.as_ref().unwrap().socket);
    rustix::net::listen(&socket, 16).unwrap(); // as the worker does
    let at = bind_address(listener);
    let _client = std::net::TcpStream::connect(at).unwrap();
    world.board.begin_to_stop(&mut Reserve::default());
    assert!(!world.board.is_drained());
    drop(rustix::net::accept(&socket).unwrap());
    assert!(world.board.is_drained());
}

#[test]
fn a_shared_socket_that_is_never_empty_lets_nobody_in_after_a_while_and_keeps_who_came_before() {
    let mut world = World { policy: SchedulingPolicy::Shared, ..World::default() };
    world.asks(ONE, 0, true);
    let listener = world.board.listeners.values().next().unwrap();
    let socket = Arc::clone(&listener.bound.as_ref().unwrap().socket);
    rustix::net::listen(&socket, 16).unwrap();
    let at = bind_address(listener);
    let early: Vec<_> = (0..3).map(|_| std::net::TcpStream::connect(at).unwrap()).collect();
    world.board.begin_to_stop(&mut Reserve::default());
    let patience = Duration::from_millis(200);
    let comes = || std::net::TcpStream::connect_timeout(&at, patience);
    assert!(!world.board.is_drained());
    assert!(comes().is_ok(), "at first it is only waited for");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(120) {
        assert!(!world.board.is_drained());
    }
    assert_eq!(comes().unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    for _ in 0..=early.len() {
        assert!(!world.board.is_drained());
        drop(rustix::net::accept(&socket).unwrap());
    }
    assert!(world.board.is_drained());
}

fn bind_address(listener: &Listener) -> std::net::SocketAddr {
    let bound = listener.bound.as_ref().unwrap();
    let address = crate::bind::address_of(&bound.socket).unwrap();
    format!("{address}").parse().unwrap()
}
