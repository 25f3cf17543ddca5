//! The primary of the server: keeps its workers at work, and counts.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cluster::{
    Address, Event, Message, Primary, Restart, SchedulingPolicy, Settings,
    State, Stdio, WorkerId,
};
use host::Keeping;
use narrator::{Failure, Outcome};

use crate::Result;
use crate::census::Census;
use crate::messages::{FromWorker, Status, ToWorker, WorkerStatus};

/// How long workers may go on with what they have begun.
const GRACE: Duration = Duration::from_secs(6);

/// The server, as its primary holds it. It never runs tiny_http itself.
pub struct Service {
    /// The primary.
    pub primary: Primary,
    /// Stopped by a signal, and not gone.
    pub(crate) frozen: BTreeSet<WorkerId>,
    serving: BTreeSet<WorkerId>,
    address: Option<SocketAddr>,
    keeping: Keeping,
    restarts: u32,
    since: Instant,
    census: Census,
    stopping: bool,
}

impl Service {
    // ANCHOR: start
    /// Starts workers, each of which calls [`serve`](crate::serve).
    ///
    /// # Errors
    /// When that is not possible.
    pub fn start(mut primary: Primary, workers: usize) -> Result<Service> {
        primary.set_scheduling_policy(SchedulingPolicy::Shared)?;
        let settings = Settings::new().stdin(Stdio::Null);
        // Last words are told: one line, whatever the learner has set.
        let settings = settings.env_remove("RUST_BACKTRACE");
        primary.setup(settings.stderr(Stdio::Lines));
        for _ in 0..workers {
            primary.fork()?;
        }
        // ANCHOR_END: start
        Ok(Service {
            primary,
            frozen: BTreeSet::new(),
            serving: BTreeSet::new(),
            address: None,
            keeping: Keeping::new(workers),
            restarts: 0,
            since: Instant::now(),
            census: Census::default(),
            stopping: false,
        })
    }

    /// Where it serves, once somebody does.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The workers that listen.
    pub fn serving(&self) -> &BTreeSet<WorkerId> {
        &self.serving
    }

    /// How many workers replaced one that died.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Why no worker is left, although nobody had asked for the end.
    pub fn why_nobody_is_left(&self) -> Failure {
        self.keeping.why_nobody_is_left()
    }

    /// Whether the end has begun.
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    // ANCHOR: next
    /// The next event; what has to be done about it is done.
    ///
    /// # Errors
    /// When nobody can serve: the reason that the first worker gave.
    pub fn next_event(&mut self) -> Result<Option<Event>> {
        loop {
            let event = match self.census.due() {
                Some(due) => self.primary.next_event_before(due)?,
                None => self.primary.next_event()?,
            };
            let Some(event) = event else { return Ok(None) };
            self.react(&event)?;
            let event = match event {
                Event::Message(worker, message) => {
                    self.hear(worker, message);
                    None
                }
                Event::Deadline => None,
                event => Some(event),
            };
            self.answer_who_asked_for_the_status();
            if event.is_some() {
                return Ok(event);
            }
        }
    }
    // ANCHOR_END: next

    fn react(&mut self, event: &Event) -> Outcome {
        match event {
            Event::Listening(worker, Address::Tcp(address)) => {
                self.keeping.serves();
                self.serving.insert(*worker);
                self.address = Some(*address);
            }
            Event::ListenFailed { error, .. } => {
                self.keeping.cannot_listen(error);
            }
            Event::Output(_, line) => drop(self.keeping.keeps(line)),
            Event::Exit { worker, voluntary, .. } => {
                self.serving.remove(worker);
                self.frozen.remove(worker);
                self.census.gone(*worker);
                // ANCHOR: restart
                if !voluntary && !self.stopping {
                    self.replace(*worker);
                }
                // ANCHOR_END: restart
                if let Some(failure) = self.keeping.cannot_begin() {
                    return Err(failure.into());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn replace(&mut self, worker: WorkerId) {
        let restart = self.keeping.replace(worker, &mut self.primary);
        self.restarts += u32::from(matches!(restart, Restart::In { .. }));
    }

    fn hear(&mut self, worker: WorkerId, message: Message) {
        match message.parse() {
            Ok(FromWorker::Status { request }) => {
                let everybody = self.serving.iter().copied();
                let question = self.census.begin(worker, request, everybody);
                // Who cannot be reached is missing, until our patience ends.
                let _ = self.primary.broadcast(ToWorker::Count { question });
            }
            Ok(FromWorker::Requests { question, count }) => {
                self.census.count(worker, question, count);
            }
            Err(_) => {} // no worker of ours says such a thing
        }
    }

    fn answer_who_asked_for_the_status(&mut self) {
        for (asker, request) in self.census.complete(Instant::now()) {
            let status = self.status();
            let reply = ToWorker::Status { request, status };
            let _ = self.primary.send(asker, reply); // it may be gone
        }
    }

    fn status(&self) -> Status {
        let of = |id: WorkerId| {
            let state = match self.primary.state(id) {
                _ if self.frozen.contains(&id) => "frozen".to_owned(),
                State::None => "starting".to_owned(),
                state => state.to_string(),
            };
            let pid = self.primary.pid(id)?;
            let requests = self.census.of(id);
            Some(WorkerStatus { id: id.get(), pid, state, requests })
        };
        let uptime = self.since.elapsed().as_secs_f64();
        Status {
            workers: self.primary.workers().filter_map(of).collect(),
            restarts: self.restarts,
            uptime_seconds: (uptime * 10.0).round() / 10.0,
        }
    }

    /// Removes one worker. Alone it cannot stop accepting, for tiny_http has no
    /// way to: a client whose connection it has and has not read is lost.
    pub fn remove(&mut self, worker: WorkerId) {
        self.serving.remove(&worker);
        self.primary.disconnect(worker);
    }

    /// Stops: nobody accepts any more, what has begun is answered.
    pub fn stop(&mut self) {
        self.stopping = true;
        for worker in std::mem::take(&mut self.frozen) {
            let _ = self.primary.kill(worker, cluster::Signal::SIGCONT);
        }
        // ANCHOR: stop
        self.primary.begin_shutdown(GRACE); // who has come is served first
        // ANCHOR_END: stop
    }
}
