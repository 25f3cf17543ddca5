//! Stopping in two steps: what has arrived is served, then the workers are disconnected. Those that
//! stay are sent signals.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::child::Parting;
use super::ending::{Ending, Firmness};
use super::{Event, Primary};
use crate::wire::Envelope;
use crate::{Signal, WorkerId};

impl Primary {
    /// Begins to stop, and returns at once. Forks that are due are cancelled, and what has arrived
    /// is served: workers that are Rust programs learn that they are leaving
    /// ([`Worker::is_leaving`](crate::Worker::is_leaving)) and go on accepting. Once no connection
    /// waits or is under way every worker is asked to disconnect. Who is still there after `grace`
    /// gets SIGTERM; who is still there after the grace once more (at most one second) gets
    /// SIGKILL. `next_event` goes on telling, and [`Event::Stopped`] comes last. A second call can
    /// only hurry.
    ///
    /// Under [`SchedulingPolicy::RoundRobin`](crate::SchedulingPolicy::RoundRobin) the primary
    /// takes all connections that wait in the kernel and closes the listeners now: who comes later
    /// is refused, and can go elsewhere at once. Under
    /// [`SchedulingPolicy::Shared`](crate::SchedulingPolicy::Shared) a socket stays open until it
    /// was seen empty once: closing it resets those that wait. What no worker has taken when the
    /// grace ends is reset.
    pub fn begin_shutdown(&mut self, grace: Duration) {
        let now = Instant::now();
        if let Some(ending) = &mut self.ending {
            ending.hurry(now, grace);
            return;
        }
        self.reap_who_is_dead();
        let mut ending = Ending::new(now, grace);
        ending.leave_out(self.workers().filter(|&worker| self.has_hung_up(worker)));
        self.ending = Some(ending);
        self.due.clear();
        self.switchboard.begin_to_stop(&mut self.reserve);
        self.carry_out();
        self.disconnect_when_drained();
        for worker in self.workers().collect::<Vec<_>>() {
            self.ask_to_drain(worker);
        }
        self.tell_if_stopped();
    }

    /// Workers that died before the shutdown began are not its business.
    fn reap_who_is_dead(&mut self) {
        for worker in self.workers().collect::<Vec<_>>() {
            self.reap(worker);
        }
    }

    /// Whether the worker has closed its end of the channel. One that was killed does so a moment
    /// before it can be reaped.
    fn has_hung_up(&self, worker: WorkerId) -> bool {
        let Some(child) = self.workers.get(&worker) else { return true };
        child.channel.as_ref().map_or(child.parting == Parting::Sudden, |channel| {
            let mut fds = [PollFd::from_borrowed_fd(channel.socket().as_fd(), PollFlags::RDHUP)];
            let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
            matches!(poll(&mut fds, Some(&at_once)), Ok(1..))
        })
    }

    /// Tells one of our workers that it is leaving, although there may be more for it to do. A
    /// foreign worker would not understand.
    pub(super) fn ask_to_drain(&mut self, worker: WorkerId) {
        let seq = self.switchboard.next_seq();
        let Some(child) = self.workers.get_mut(&worker) else { return };
        if let Some(channel) =
            child.channel.as_mut().filter(|_| child.is_rust && !child.disconnecting)
        {
            child.parting = Parting::Agreed;
            channel.push_internal(&Envelope::act("drain", seq));
            let _ = channel.flush(); // if the worker is gone, the read side finds out
        }
    }

    /// The second step, as soon as nothing waits for a worker any more.
    pub(super) fn disconnect_when_drained(&mut self) {
        let draining = self.ending.as_ref().is_some_and(Ending::is_draining);
        if draining && self.switchboard.is_drained() {
            self.disconnect_for_good();
        }
    }

    fn disconnect_for_good(&mut self) {
        if self.ending.as_mut().is_some_and(Ending::disconnect) {
            self.switchboard.close_all();
            self.disconnect_all();
        }
    }

    /// When the shutdown has to be looked at. Nobody tells us when a socket that workers share is
    /// empty.
    pub(super) fn ending_due(&self) -> Option<Instant> {
        const LOOK: Duration = Duration::from_millis(2);
        let ending = self.ending.as_ref()?;
        let look = ending.is_draining().then(|| Instant::now() + LOOK);
        ending.deadline().into_iter().chain(look).min()
    }

    /// A signal for those that are still there when their time is over.
    pub(super) fn push_the_stubborn(&mut self) {
        let Some(firmness) = self.ending.as_mut().and_then(|ending| ending.step(Instant::now()))
        else {
            return;
        };
        self.disconnect_for_good();
        let signal = match firmness {
            Firmness::Terminate => Signal::SIGTERM,
            Firmness::Kill => Signal::SIGKILL,
        };
        let stubborn = self.workers.iter().filter(|(_, child)| !child.is_reaped());
        for worker in stubborn.map(|(&worker, _)| worker).collect::<Vec<_>>() {
            if let Some(ending) = &mut self.ending {
                ending.signalled(worker, firmness);
            }
            // It fails for a worker with another uid; then only the operator can end it.
            let _ = self.kill(worker, signal);
        }
    }

    pub(super) fn tell_if_stopped(&mut self) {
        if self.workers.values().all(|child| child.is_reaped()) {
            let cut_off = self.switchboard.cut_off();
            let report = self.ending.as_mut().and_then(|ending| ending.report(cut_off));
            self.news.extend(report.map(Event::Stopped));
        }
    }
}
