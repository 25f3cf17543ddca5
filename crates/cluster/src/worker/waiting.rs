//! One call that waits for a connection or a datagram.

use super::core::Core;
use super::listeners::ListenerId;

/// One call that waits for a connection or a datagram; whatever ends it, the primary learns of it.
pub(super) struct Waiting<'a> {
    core: &'a Core,
    id: ListenerId,
}

impl Waiting<'_> {
    pub(super) fn begin(core: &Core, id: ListenerId) -> Waiting<'_> {
        core.lock().begin_to_wait(id);
        Waiting { core, id }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.core.lock().end_waiting(self.id);
    }
}
