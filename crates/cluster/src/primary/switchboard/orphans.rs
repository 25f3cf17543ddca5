//! Listeners whose last user crashed: they stay open, with their queue, while a replacement may
//! come.

use super::Switchboard;
use crate::WorkerId;

impl Switchboard {
    /// The workers whose listeners stay open for a replacement.
    pub(crate) fn orphaned_by(&self) -> impl Iterator<Item = WorkerId> {
        self.listeners.values().filter_map(|listener| listener.orphaned_by)
    }

    /// Nobody will come for what this worker left.
    pub(crate) fn abandon(&mut self, crashed: WorkerId) {
        self.listeners.retain(|_, listener| listener.orphaned_by != Some(crashed));
    }
}
