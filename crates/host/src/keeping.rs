//! Keeping workers at work: who is replaced and when, and why nobody serves.

use std::collections::VecDeque;
use std::time::Duration;

use cluster::{Error, Primary, Restart, RestartPolicy, WorkerId};
use narrator::Failure;

use crate::advise;

/// A worker that lived for a second is replaced at once. Where workers die young, each place waits
/// longer and longer, from the first to the second of these.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// So many young deaths in each place are too many: within a minute, and before anybody has served.
const TOO_MANY: usize = 25;
const TOO_MANY_AT_FIRST: usize = 3;
const MINUTE: Duration = Duration::from_secs(60);

/// How many lines of the workers are kept for the case that none ever serves.
const LAST_LINES: usize = 20;

/// Keeps the workers of a service at work. Where one place is given up, the service goes on with
/// the others.
#[derive(Debug)]
pub struct Keeping {
    places: usize,
    restart: RestartPolicy,
    /// Somebody served, once.
    begun: bool,
    deaths: usize,
    /// What a worker asked for and did not get.
    refusal: Option<Failure>,
    last_lines: VecDeque<String>,
    gave_up: Option<Restart>,
}

impl Keeping {
    /// For a service of so many workers.
    pub fn new(workers: usize) -> Keeping {
        let restart = RestartPolicy::back_off(BACK_OFF.0, BACK_OFF.1)
            .at_most(TOO_MANY.saturating_mul(workers), MINUTE);
        Keeping {
            places: workers,
            restart,
            begun: false,
            deaths: 0,
            refusal: None,
            last_lines: VecDeque::new(),
            gave_up: None,
        }
    }

    /// A worker listens.
    pub fn serves(&mut self) {
        self.begun = true;
        self.last_lines.clear();
    }

    /// A worker cannot listen.
    pub fn cannot_listen(&mut self, error: &Error) {
        self.refusal = Some(advise(error));
    }

    /// A worker wrote this line. Says whether it is kept: before anybody serves it may be the
    /// reason why nobody does.
    pub fn keeps(&mut self, line: &str) -> bool {
        if !self.begun {
            self.last_lines.push_back(line.to_owned());
            if self.last_lines.len() > LAST_LINES {
                self.last_lines.pop_front();
            }
        }
        !self.begun
    }

    /// A worker died that was not asked to.
    pub fn replace(&mut self, worker: WorkerId, primary: &mut Primary) -> Restart {
        self.deaths += 1;
        let restart = self.restart.after(worker, primary);
        if matches!(restart, Restart::GaveUp { .. }) {
            self.gave_up = Some(restart);
        }
        restart
    }

    /// Why nobody ever serves. A place that others have does not get free by trying again, and a
    /// program that cannot start does not mend itself.
    pub fn cannot_begin(&mut self) -> Option<Failure> {
        if self.begun {
            return None;
        }
        let hopeless = self.deaths >= TOO_MANY_AT_FIRST * self.places;
        self.refusal.take().or_else(|| hopeless.then(|| self.failure("no worker listens".into())))
    }

    /// Why no worker is left, although nobody had asked for the end.
    pub fn why_nobody_is_left(&self) -> Failure {
        match self.gave_up {
            Some(gave_up) => self.failure(gave_up.to_string()),
            None => self.failure("no worker is left".into()),
        }
    }

    fn failure(&self, what: String) -> Failure {
        let said = Vec::from_iter(self.last_lines.iter().map(String::as_str));
        match said[..] {
            [] => Failure::new(what, "See above how the workers ended."),
            _ => Failure::new(what, said.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_workers_say_before_anybody_serves_the_last_lines_are_the_reason() {
        let mut keeping = Keeping::new(1);
        assert!((0..30).all(|number| keeping.keeps(&number.to_string())));
        assert!(keeping.cannot_begin().is_none(), "nobody has died");
        keeping.deaths = TOO_MANY_AT_FIRST;
        let failure = keeping.cannot_begin().map(|it| format!("{it:#}")).unwrap_or_default();
        assert!(failure.starts_with("no worker listens\n10 11 "), "{failure}");
        keeping.serves();
        assert!(!keeping.keeps("31") && keeping.cannot_begin().is_none());
    }

    #[test]
    fn who_cannot_listen_is_the_reason_at_once() {
        let mut keeping = Keeping::new(4);
        let source = std::io::ErrorKind::AddrInUse.into();
        keeping.cannot_listen(&Error::Listen { address: "127.0.0.1:3000".into(), source });
        let failure = keeping.cannot_begin().map(|it| format!("{it:#}")).unwrap_or_default();
        assert!(failure.contains("127.0.0.1:3000") && failure.contains("--port 0"), "{failure}");
    }
}
