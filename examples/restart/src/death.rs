//! Three ways to die, and a worker that knows them.

use std::collections::BTreeSet;
use std::io::Write;
use std::{panic, process, thread};

use cluster::{Signal, Worker, WorkerId};
use narrator::Outcome;
use serde::{Deserialize, Serialize};

use crate::Play;

/// How a worker dies.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Death {
    /// From outside; it cannot be caught, and there are no last words.
    Kill,
    /// A bug: the program ends itself, with code 101.
    Panic,
    /// The program has thought about it.
    Exit(i32),
}

pub(crate) const IN_TURN: [Death; 3] =
    [Death::Kill, Death::Panic, Death::Exit(7)];

/// What a worker that panics says.
pub(crate) const LAST_WORDS: &str = "there is no seat 42";

impl Death {
    /// The order, as the primary tells it.
    pub(crate) fn order_to(self, worker: impl std::fmt::Display) -> String {
        match self {
            Death::Kill => format!("kills {worker}"),
            Death::Panic => format!("tells {worker}: panic"),
            Death::Exit(code) => format!("tells {worker}: exit {code}"),
        }
    }
}

impl Play {
    // ANCHOR: kill
    pub(crate) fn kill(
        &mut self,
        victims: &BTreeSet<WorkerId>,
        death: Death,
    ) -> Outcome {
        for &victim in victims {
            self.story.tell("primary", death.order_to(victim), "");
            match death {
                Death::Kill => self.primary.kill(victim, Signal::SIGKILL)?,
                // It fails if the victim is dead already: that is told, too.
                order => drop(self.primary.send(victim, order)),
            }
        }
        // Until its death is told, the visitor holds back: what a victim has
        // taken goes down with it.
        self.until(|play| play.serving.is_disjoint(victims))
    }
    // ANCHOR_END: kill
}

// ANCHOR: serve
pub(crate) fn serve_until_death(mut me: Worker) -> Outcome {
    speak_plainly();
    let answer = format!("{}\n", me.id());
    let listener = me.listen("127.0.0.1:0")?;
    thread::spawn(move || {
        for mut visitor in listener.incoming().flatten() {
            // If it fails, the visitor is gone, and wants no answer.
            let _ = visitor.write_all(answer.as_bytes());
        }
    });
    while let Some(order) = me.recv()? {
        // ANCHOR: orders
        match order.parse()? {
            Death::Kill => {} // comes as a signal, without an order
            Death::Panic => panic!("{LAST_WORDS}"),
            Death::Exit(code) => process::exit(code),
        }
        // ANCHOR_END: orders
    }
    Ok(()) // the primary asked for the end, or is gone
}
// ANCHOR_END: serve

/// A panic prints its message alone, without thread and line, so that
/// programs in other languages can say the same.
pub(crate) fn speak_plainly() {
    panic::set_hook(Box::new(|panic| {
        let words = panic.payload().downcast_ref::<&str>().copied();
        let made_up = || panic.payload().downcast_ref::<String>();
        let words = words.or_else(|| made_up().map(String::as_str));
        eprintln!("{}", words.unwrap_or("panics"));
    }));
}
