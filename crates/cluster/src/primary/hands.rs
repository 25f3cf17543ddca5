//! The loop's hands: carries out what the switchboard orders.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::Primary;
use super::switchboard::Order;
use crate::wire::Envelope;
use crate::{HandleKind, Signal, WorkerId};

impl Primary {
    /// Carries out all orders there are, and those that come of them.
    pub(super) fn carry_out(&mut self) {
        while let Some(order) = self.switchboard.next_order() {
            match order {
                Order::Hand { worker, seq, key, connection, nonblocking } => {
                    if nonblocking {
                        // It fails for no socket; and if it did, the worker would answer for it.
                        let _ = rustix::io::ioctl_fionbio(&connection, true);
                    }
                    self.hand_over(worker, seq, &key, connection);
                }
                Order::Reply { worker, reply, socket } => self.reply(worker, *reply, socket),
                Order::Kill(worker) => {
                    // It fails for a worker with another uid; then only the operator can end it.
                    let _ = self.kill(worker, Signal::SIGKILL);
                }
                Order::Tell(event) => self.news.push_back(event),
            }
        }
    }

    fn hand_over(&mut self, worker: WorkerId, seq: u64, key: &str, connection: Arc<OwnedFd>) {
        let Some(channel) = self.channel(worker) else { return };
        let message = Envelope::on("newconn", key, seq);
        channel.push_internal_with(message, HandleKind::Stream, connection);
        if channel.flush().is_err() {
            // It takes nothing any more. If it is gone the read side finds out; it may as well
            // stay, and never read.
            self.switchboard.not_taken(seq, worker);
        }
    }

    fn reply(
        &mut self,
        worker: WorkerId,
        reply: Envelope,
        socket: Option<(HandleKind, Arc<OwnedFd>)>,
    ) {
        let Some(channel) = self.channel(worker) else { return };
        match socket {
            Some((kind, socket)) => channel.push_internal_with(reply, kind, socket),
            None => channel.push_internal(&reply),
        }
        let _ = channel.flush(); // if the worker is gone, the read side finds out
    }
}
