//! Guests on many threads, and one who closes the door.

mod exercise;
mod solution;

use std::sync::mpsc;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use cluster::Role;
use exercises::{Exercise, Verdict, Wrong, same};

type Door = (Mutex<(bool, usize)>, Condvar);
type Functions = (fn(&Door) -> bool, fn(&Door), fn(&Door));

pub fn exercise() -> Exercise {
    Exercise::new(
        file!(),
        judge,
        (exercise::enter, exercise::leave, exercise::close),
        (solution::enter, solution::leave, solution::close),
    )
}

fn judge(_: Role, functions: Functions) -> Verdict {
    let (enter, _, close) = functions;
    let empty = Door::default();
    close(&empty); // nobody is inside: it returns
    same("after closing, a guest comes in", false, enter(&empty))?;
    for guests in [1, 2, 16] {
        see_out(guests, functions)?;
    }
    Ok(())
}

/// So many guests are inside when the door closes; they leave one by one.
fn see_out(guests: usize, (enter, leave, close): Functions) -> Verdict {
    let door = Door::default();
    for _ in 0..guests {
        same("with the door open, a guest comes in", true, enter(&door))?;
    }
    thread::scope(|scope| {
        let (closed, news) = mpsc::channel();
        let door = &door;
        scope.spawn(move || {
            close(door);
            closed.send(())
        });
        for inside in (1..=guests).rev() {
            // Who does not wait is caught by it, mostly; who waits, never.
            if news.recv_timeout(Duration::from_millis(20)).is_ok() {
                let seen = format!("`close` returned with {inside} inside");
                return Err(Wrong::new("`close` waits for all", seen).into());
            }
            same("while it closes, a guest comes in", false, enter(door))?;
            scope.spawn(move || leave(door));
        }
        // If it never returns, the time limit says so.
        news.recv().map_err(|_| "`close` panicked".into())
    })
}
