//! Somebody waits, and the primary goes on.

use std::sync::mpsc;
use std::thread;

use cluster::Waker;

/// Lets somebody wait in a thread of its own, while the primary hands out connections and keeps its
/// workers: all of that happens inside `next_event`, which `go_on` calls once. The waker is the
/// primary's, or it would sleep through the result.
///
/// # Errors
/// What `go_on` fails with.
pub fn meanwhile<T: Send, E>(
    waker: Waker,
    wait: impl FnOnce() -> T + Send,
    mut go_on: impl FnMut() -> Result<(), E>,
) -> Result<T, E> {
    let (done, result) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            let _ = done.send(wait()); // nobody listens after a failure
            waker.wake();
        });
        loop {
            if let Ok(result) = result.try_recv() {
                return Ok(result);
            }
            go_on()?;
        }
    })
}
