//! The switchboard: owns the sockets that workers asked for, who waits at each, and what is under
//! way to whom. It is told what happens, one happening at a time, and answers with [`Order`]s,
//! which the loop carries out. It knows no process and no channel.

mod bound;
mod desk;
mod listener;
mod orphans;
mod question;
mod resting;
mod rotation;
#[cfg(test)]
mod switchboard_tests;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use self::desk::Order;
pub(crate) use self::listener::ListenerId;
pub(crate) use self::question::asked_for;

use self::desk::{Desk, UnderWay};
use self::listener::Listener;
use self::question::Parked;
use self::resting::Resting;
use super::event::Event;
use super::reserve::Reserve;
use crate::{SchedulingPolicy, WorkerId};

#[derive(Debug, Default)]
pub(crate) struct Switchboard {
    listeners: BTreeMap<ListenerId, Listener>,
    last: ListenerId,
    desk: Desk,
    resting: Resting,
    /// Questions that wait for a free descriptor.
    parked: Vec<Parked>,
    /// Whom the program wants to be told of when they wait.
    idle_wanted: BTreeSet<WorkerId>,
    stopping: bool,
    /// All that had arrived was in the hands of workers, when it was looked at last.
    drained: bool,
    /// Clients that were cut off while stopping.
    cut_off: usize,
}

impl Switchboard {
    /// The next thing to do.
    pub(crate) fn next_order(&mut self) -> Option<Order> {
        self.desk.orders.pop_front()
    }

    /// A number for the next message of the cluster layer.
    pub(crate) fn next_seq(&mut self) -> u64 {
        self.desk.next_seq()
    }

    /// Whether there is no listener.
    pub(crate) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    /// The sockets from which connections should be accepted now.
    pub(crate) fn accepting(&self) -> impl Iterator<Item = (ListenerId, &Arc<OwnedFd>)> {
        let now = Instant::now();
        self.listeners.values().filter_map(move |it| Some((it.id, it.accepts(now)?)))
    }

    /// Connections have arrived at a socket.
    pub(crate) fn arrived(&mut self, listener: ListenerId, reserve: &mut Reserve) {
        if let Some(listener) = self.listeners.get_mut(&listener) {
            listener.accept(reserve);
            listener.hand_out(&mut self.desk);
        }
    }

    /// A worker's program begins or ends to wait in `accept`: it wants `up_to` connections in all.
    pub(crate) fn waits(&mut self, worker: WorkerId, key: &str, up_to: u64) {
        if let Some(listener) = used_by(&mut self.listeners, worker, key) {
            if let Some(rotation) = listener.rotation() {
                rotation.waits_up_to(worker, up_to);
            }
            listener.hand_out(&mut self.desk);
            self.tell_if_idle(worker);
        }
    }

    /// Whether the worker waits for a connection, as far as it has said.
    pub(crate) fn is_idle(&self, worker: WorkerId) -> bool {
        self.listeners.values().any(|listener| listener.is_idle(worker))
    }

    /// The program wants to be told when the worker waits, once.
    pub(crate) fn tell_when_idle(&mut self, worker: WorkerId) {
        self.idle_wanted.insert(worker);
        self.tell_if_idle(worker);
    }

    fn tell_if_idle(&mut self, worker: WorkerId) {
        if self.idle_wanted.contains(&worker) && self.is_idle(worker) {
            self.idle_wanted.remove(&worker);
            self.desk.orders.push_back(Order::Tell(Event::Idle(worker)));
        }
    }

    /// A worker answers a hand-over: its program took the connection, or it refuses it.
    pub(crate) fn answered(&mut self, worker: WorkerId, seq: u64, accepted: bool) {
        // An answer to nothing is passed over, as in Node.
        let Some(under_way) = self.desk.take(seq, worker) else { return };
        // Where the listener was closed meanwhile, a connection that comes back has nowhere to go.
        let Some(listener) = self.listeners.get_mut(&under_way.listener) else { return };
        if let Some(rotation) = listener.rotation() {
            if accepted {
                rotation.answered(worker);
            } else {
                rotation.take_back(under_way.connection);
                // A Node worker with as many connections as it wants refuses, and waits again.
                if !rotation.says_when(worker) {
                    self.resting.rest(worker, under_way.listener, Instant::now());
                }
            }
        }
        listener.hand_out(&mut self.desk);
        self.tell_if_idle(worker);
    }

    /// A worker's channel lost this connection for good: it goes to somebody else.
    pub(crate) fn lost(&mut self, connection: &Arc<OwnedFd>) {
        if let Some((seq, worker)) = self.desk.number_of(connection)
            && let Some(under_way) = self.desk.take(seq, worker)
        {
            self.resting.rest(worker, under_way.listener, Instant::now());
            self.take_back(under_way);
        }
    }

    /// A connection could not be written to the worker's channel, which takes nothing any more:
    /// the worker may still say that it waits, and would be offered each connection without end.
    pub(crate) fn not_taken(&mut self, seq: u64, worker: WorkerId) {
        for rotation in self.listeners.values_mut().filter_map(Listener::rotation) {
            rotation.takes_no_more(worker);
        }
        if let Some(under_way) = self.desk.take(seq, worker) {
            self.take_back(under_way);
        }
    }

    fn take_back(&mut self, UnderWay { listener, connection, .. }: UnderWay) {
        if let Some(listener) = self.listeners.get_mut(&listener) {
            if let Some(rotation) = listener.rotation() {
                rotation.take_back(connection);
            }
            listener.hand_out(&mut self.desk);
        }
    }

    /// A worker closes a listener on purpose; Node's `close`.
    pub(crate) fn closes(&mut self, worker: WorkerId, key: &str) {
        if let Some(listener) = used_by(&mut self.listeners, worker, key) {
            let id = listener.id;
            listener.leave(worker);
            self.resting.forget(worker, Some(id));
            self.close_those(|listener| listener.id == id && listener.is_unused());
        }
    }

    /// A worker gets no connection any more: it was asked to leave, or its channel is closed. What
    /// is under way to it stays so until it answers or can answer no more. `voluntary`: it meant to
    /// leave, so that its listeners are not kept for a replacement.
    pub(crate) fn leaves(&mut self, worker: WorkerId, voluntary: bool) {
        self.resting.forget(worker, None);
        self.parked.retain(|question| question.worker != worker);
        self.idle_wanted.remove(&worker);
        for listener in self.listeners.values_mut().filter(|it| it.contains(worker)) {
            listener.leave(worker);
            if listener.is_unused() {
                listener.orphaned_by = Some(worker);
            }
        }
        if voluntary || self.stopping {
            self.close_those(|listener| listener.orphaned_by == Some(worker));
        }
    }

    /// A worker answers no more: its channel is closed, which the kernel does when the process
    /// ends. Connections that it had not taken go to others. Not before: while it may still take
    /// one it holds the descriptor, and two workers would serve one client.
    pub(crate) fn gone(&mut self, worker: WorkerId) {
        self.desk.forget(worker);
        for seq in self.desk.all_to(worker) {
            self.not_taken(seq, worker);
        }
    }

    /// A connection that the worker's program does not take within this time costs the worker its
    /// life.
    pub(crate) fn limit(&mut self, worker: WorkerId, take_within: Duration) {
        self.desk.limit(worker, take_within);
    }

    /// When something is due although nothing happens.
    pub(crate) fn due(&self) -> Option<Instant> {
        let now = Instant::now();
        let listeners = self.listeners.values().filter_map(|listener| listener.rested_at(now));
        let parked = self.parked.first().map(|question| question.again_at);
        listeners.chain(self.resting.due()).chain(self.desk.due()).chain(parked).min()
    }

    /// Time has passed: those that have rested count as waiting again, those that are late are
    /// ended, and questions that wait for a descriptor are tried again.
    pub(crate) fn tick(&mut self, now: Instant, policy: SchedulingPolicy, reserve: &mut Reserve) {
        for (worker, listener) in self.resting.rested(now) {
            if let Some(listener) = self.listeners.get_mut(&listener) {
                if let Some(rotation) = listener.rotation() {
                    rotation.got_nothing(worker);
                }
                listener.hand_out(&mut self.desk);
            }
        }
        self.desk.kill_the_late(now);
        self.ask_again(now, policy, reserve);
    }

    /// The service stops: what has arrived is taken from the kernel, and where we hand it out,
    /// newcomers are refused from now on.
    pub(crate) fn begin_to_stop(&mut self, reserve: &mut Reserve) {
        self.stopping = true;
        self.parked.clear();
        for listener in self.listeners.values_mut() {
            listener.begin_to_close();
            listener.accept(reserve);
            listener.hand_out(&mut self.desk);
        }
        self.close_those(Listener::is_unused);
    }

    /// How many clients were cut off because their listener was closed while the service stopped.
    pub(crate) fn cut_off(&self) -> usize {
        self.cut_off
    }

    fn close_those(&mut self, hopeless: impl Fn(&Listener) -> bool) {
        // In the end, of those that were seen empty, only newcomers can be there.
        let counts = self.stopping && !self.drained;
        let cut_off = &mut self.cut_off;
        self.listeners.retain(|_, listener| {
            let closes = hopeless(listener);
            if closes {
                *cut_off += if counts { listener.clients_that_wait() } else { 0 };
                listener.close();
            }
            !closes
        });
    }

    /// Whether everything that arrived is in the hands of workers.
    pub(crate) fn is_drained(&mut self) -> bool {
        self.drained = !self.desk.is_anything_under_way()
            && self.listeners.values_mut().all(Listener::is_drained);
        self.drained
    }

    /// Closes all sockets. Connections that no worker has are reset.
    pub(crate) fn close_all(&mut self) {
        self.close_those(|_| true);
    }

    /// Wakes those that wait in accept(2) on shared sockets, and refuses newcomers there.
    pub(crate) fn stop_accepting(&self) {
        self.listeners.values().for_each(Listener::stop_accepting);
    }
}

fn used_by<'a>(
    listeners: &'a mut BTreeMap<ListenerId, Listener>,
    worker: WorkerId,
    key: &str,
) -> Option<&'a mut Listener> {
    listeners.values_mut().find(|listener| listener.key == key && listener.contains(worker))
}
