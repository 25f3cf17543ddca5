//! The queue between whoever tells and the thread that prints, so that telling never waits.

use std::io::{self, PipeWriter, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

use crate::backlog::Backlog;
use crate::printer::{Piece, Printer};
use crate::telling::Telling;

/// A queue of pieces with its printer thread. It is bounded, and yet the teller never waits: what
/// finds no room is not told, but counted.
#[derive(Debug)]
pub(crate) struct Queue {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Ends the printer's wait for Enter.
    wake: Option<PipeWriter>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    backlog: Backlog,
    /// The printer has taken a piece that is not on the screen yet.
    printing: bool,
    /// The rest is printed at full speed.
    hurried: bool,
    /// Somebody waits until all is printed, also what a printer would like to hold back.
    awaited: bool,
    /// Nothing more will come.
    closed: bool,
    /// The printer thread has ended.
    gone: bool,
    /// Somebody has waited for it in vain: nobody reads what it prints.
    stuck: bool,
}

/// How long a hurried story's end waits for whoever should read it: a reader that does not read
/// must not keep a service from its end.
pub(crate) const LAST_WAIT: Duration = Duration::from_secs(1);

/// A story that has been quiet for so long may go on for ever, as a server does: a person is told
/// what there is.
const QUIET: Duration = Duration::from_secs(10);

/// What the printer thread does next.
#[derive(Debug)]
enum Task {
    Print(Piece),
    Flush,
    Leave,
}

impl Queue {
    /// Starts the printer thread.
    pub(crate) fn start(telling: &Telling) -> io::Result<Queue> {
        let (sleeper, wake) = if telling.step || telling.predict {
            let (sleeper, wake) = io::pipe()?;
            (Some(sleeper), Some(wake))
        } else {
            (None, None)
        };
        let printer = Printer::new(telling, sleeper);
        let shared = Arc::new(Shared::default());
        let its_shared = Arc::clone(&shared);
        let thread = without_signals(|| {
            thread::Builder::new().name("printer".into()).spawn(move || its_shared.print(printer))
        })?;
        Ok(Queue { shared, thread: Some(thread), wake })
    }

    pub(crate) fn push(&self, piece: Piece) {
        self.shared.lock().backlog.push(piece);
        self.shared.changed.notify_all();
    }

    /// Waits until all that was pushed so far is printed; once hurried, no longer than
    /// [`LAST_WAIT`].
    pub(crate) fn wait_until_printed(&self) {
        self.shared.lock().awaited = true;
        self.shared.changed.notify_all();
        self.shared
            .wait_while(|state| state.awaited || state.printing || !state.backlog.is_empty());
    }

    /// Lets the printer print the rest at full speed.
    pub(crate) fn hurry(&self) {
        self.shared.lock().hurried = true;
        self.shared.changed.notify_all();
        if let Some(mut wake) = self.wake.as_ref() {
            // It fails only when the printer has ended, and then nobody waits.
            let _ = wake.write_all(b"!");
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if thread::panicking() {
            self.hurry(); // a broken program must not ask for Enter before it may end
        }
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        let ended = self.shared.wait_while(|_| true);
        // One that is stuck ends with the process.
        if let (true, Some(thread)) = (ended, self.thread.take()) {
            // A printer that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole after every line that changes it, so a panic elsewhere is no reason
        // to lose the rest of the story.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while this holds and the printer lives. Says whether that came to its end: a hurried
    /// story that nobody reads is given up.
    fn wait_while(&self, holds: impl Fn(&State) -> bool) -> bool {
        let mut state = self.lock();
        let mut until = None;
        while !state.gone && holds(&state) {
            if !state.hurried {
                state = self.wait(state);
                continue;
            }
            let until: Instant = *until.get_or_insert_with(|| Instant::now() + LAST_WAIT);
            let left = until.saturating_duration_since(Instant::now());
            state.stuck |= left.is_zero();
            if state.stuck {
                return false;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// The printer thread's work.
    fn print(&self, mut printer: Printer) {
        let _farewell = Farewell(self);
        loop {
            let task = self.next(printer.keeps_somebody_waiting());
            if self.lock().hurried {
                printer.hurry();
            }
            match task {
                Task::Print(piece) => printer.print(&piece, |pause| self.pause(pause)),
                Task::Flush => printer.flush(),
                Task::Leave => return printer.flush(),
            }
        }
    }

    /// Reports the previous task as done and takes the next, when there is one.
    fn next(&self, somebody_waits: bool) -> Task {
        let mut state = self.lock();
        state.printing = false;
        self.changed.notify_all();
        loop {
            if let Some(piece) = state.backlog.pop() {
                state.printing = true;
                return Task::Print(piece);
            }
            if state.closed {
                return Task::Leave;
            }
            if state.awaited {
                state.awaited = false;
                state.printing = true;
                return Task::Flush;
            }
            if !somebody_waits {
                state = self.wait(state);
                continue;
            }
            let quiet = self.changed.wait_timeout(state, QUIET);
            let (after, wait) = quiet.unwrap_or_else(PoisonError::into_inner);
            state = after;
            if wait.timed_out() && state.backlog.is_empty() {
                state.printing = true;
                return Task::Flush;
            }
        }
    }

    fn pause(&self, pause: Duration) {
        let state = self.lock();
        // Not a sleep, because a sleeper cannot be hurried.
        drop(self.changed.wait_timeout_while(state, pause, |state| !state.hurried));
    }
}

/// Tells those who wait that the printer has ended, however it did.
struct Farewell<'a>(&'a Shared);

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        self.0.lock().gone = true;
        self.0.changed.notify_all();
    }
}

/// Runs `spawn` such that the new thread, which inherits the signal mask, takes no signals.
///
/// A primary that reads signals by signalfd blocks them in its own thread. If the printer did not
/// block them, the kernel would deliver them to the printer, and they would end the process.
fn without_signals<T>(spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let mut mask = SigSet::all();
    // These two stop a background job that uses the terminal. The kernel looks at the thread that
    // does so; blocked, they would turn the reading of Enter into an error.
    mask.remove(Signal::SIGTTIN);
    mask.remove(Signal::SIGTTOU);
    let before = mask.thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let spawned = spawn();
    before.thread_set_mask()?;
    spawned
}
