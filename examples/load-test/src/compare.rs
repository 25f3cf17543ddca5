//! What the primary does while somebody asks, and in the end.

use cluster::Event;
use narrator::{Failure, Outcome};
use serde_json::json;

use crate::tally::Tally;
use crate::{Play, Result, print, report};

impl Play {
    /// Asks in a thread of its own, while the primary keeps its workers.
    pub(crate) fn meanwhile<T: Send>(
        &mut self,
        ask: impl FnOnce() -> T + Send,
    ) -> Result<T> {
        let waker = self.service.primary.waker();
        host::meanwhile(waker, ask, || self.turn())
    }

    pub(crate) fn turn(&mut self) -> Outcome {
        match self.service.next_event()? {
            Some(event) => react(&event),
            None => gone(),
        }
    }

    pub(crate) fn compare(&self, one: &Tally, several: &Tally, many: usize) {
        if self.args.json {
            let speed_up = several.per_second() / one.per_second().max(1e-9);
            let runs = [one.to_json(), several.to_json()];
            return print(&json!({ "runs": runs, "speed_up": speed_up }));
        }
        self.tell("primary", &format!("compares 1 worker with {many}"));
        if let Some(shares) = report::shares(several) {
            self.show(&shares);
        }
        self.show(&report::histogram(several));
        self.show(&report::meaning(one, several, many));
    }
}

/// A worker that dies would spoil the comparison.
pub(crate) fn react(event: &Event) -> Outcome {
    match event {
        Event::Exit { worker, exit, voluntary: false } => {
            let what = format!("{worker} {exit} under load");
            let advice = "Ask on fewer connections, or see http-server.";
            Err(Failure::new(what, advice).into())
        }
        Event::Stopped(report) if !report.is_clean() => {
            Err(host::not_clean(report).into())
        }
        _ => Ok(()),
    }
}

pub(crate) fn gone<T>() -> Result<T> {
    Err(Failure::new("no worker is left", "Run it again.").into())
}
