//! A condition variable is a bell: who hears it looks again.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Whether the door is closed, how many guests are inside, and a bell that
/// rings when somebody leaves.
pub type Door = (Mutex<(bool, usize)>, Condvar);

pub fn enter((state, _): &Door) -> bool {
    let mut state = lock(state);
    let (closed, inside) = &mut *state;
    if !*closed {
        *inside += 1;
    }
    !*closed
}

pub fn leave((state, bell): &Door) {
    lock(state).1 -= 1;
    bell.notify_all();
}

pub fn close((state, bell): &Door) {
    let mut state = lock(state);
    state.0 = true;
    let occupied = |(_, inside): &mut (bool, usize)| *inside > 0;
    // A guest that panicked has left the numbers whole.
    drop(bell.wait_while(state, occupied));
}

fn lock(state: &Mutex<(bool, usize)>) -> MutexGuard<'_, (bool, usize)> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
