//! The visitors: what each has under way when the end comes, and what it sees.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use cluster::{Waker, WorkerId};
use narrator::Outcome;
use visitors::{Answer, Connection, PATIENCE, Trouble, Visitor};

use crate::timeline::{HALF_A_REQUEST, IDLE, NOTHING, REQUEST, Timeline};
use crate::{Play, Result, lost};

pub(crate) const WORK: &[u8] =
    b"GET /work?ms=300 HTTP/1.1\r\nHost: here\r\n\r\n";
pub(crate) const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";
pub(crate) const HALVES: (&[u8], &[u8]) = ASK.split_at(9);

/// What visitors wait for, each on a thread of its own: to hand over their
/// connections, the primary must not wait for anything but its own events.
pub(crate) struct Visits {
    heard: Receiver<Heard>,
    tell: Sender<Heard>,
    waker: Waker,
    kept: BTreeMap<u32, Heard>,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) timeline: Timeline,
}

type Heard = (u32, std::result::Result<Answer, Trouble>, Connection);

impl Visits {
    pub(crate) fn new(waker: Waker) -> Visits {
        let (tell, heard) = mpsc::channel();
        let (kept, address) = (BTreeMap::new(), None);
        let timeline = Timeline::begin();
        Visits { heard, tell, waker, kept, address, timeline }
    }

    fn visitor(&self) -> Result<Visitor> {
        Ok(Visitor::new(self.address.ok_or("no worker listens")?)?)
    }

    fn wait_for_an_answer(&self, visitor: u32, mut connection: Connection) {
        let (tell, waker) = (self.tell.clone(), self.waker.clone());
        thread::spawn(move || {
            let result = connection.hear();
            let _ = tell.send((visitor, result, connection)); // or all is over
            waker.wake();
        });
    }

    fn wait(&mut self) -> Outcome {
        let heard = self.heard.recv_timeout(PATIENCE)?;
        self.kept.insert(heard.0, heard);
        Ok(())
    }

    fn take(&mut self, visitor: u32) -> Option<Heard> {
        let new = self.heard.try_iter().map(|heard| (heard.0, heard));
        self.kept.extend(new);
        self.kept.remove(&visitor)
    }
}

impl Play {
    /// Three come, each to a worker of its own. The third is not done yet.
    pub(crate) fn visitors_come(&mut self) -> Result<Connection> {
        let visitor = self.visits.visitor()?;

        let mut one = visitor.connect()?;
        one.send(WORK)?;
        self.tell_of(1, "asks for 300 ms of work", "asks", REQUEST);
        self.visits.wait_for_an_answer(1, one);
        self.until(|play| play.begun == 1)?;

        let mut two = visitor.connect()?;
        two.send(ASK)?;
        self.tell_of(2, "asks", "asks", REQUEST);
        self.visits.wait_for_an_answer(2, two);
        let two = self.is_answered(2)?;
        self.tell_of(2, "sees 200, and stays connected", "200", IDLE);
        self.visits.wait_for_an_answer(2, two); // to no question

        let mut three = visitor.connect()?;
        three.send(HALVES.0)?;
        self.tell_of(3, "sends half a request", "half", HALF_A_REQUEST);
        self.until(|play| play.begun == 3)?;
        Ok(three)
    }

    pub(crate) fn visitors_see_the_end(
        &mut self,
        mut three: Connection,
    ) -> Outcome {
        let visitor = self.visits.visitor()?;
        match visitor.connect() {
            Err(Trouble::Refused) => {}
            _ => return lost("visitor 4 was let in"),
        }
        self.tell_of(4, "comes now, and is refused", "refused", NOTHING);

        match self.hear(2)?.1 {
            Err(Trouble::ClosedEarly) => {}
            saw => return lost(format!("visitor 2 saw {saw:?}")),
        }
        self.tell_of(2, "sees its idle connection end", "closed", NOTHING);

        three.send(HALVES.1)?;
        self.tell_of(3, "sends the other half", "rest", REQUEST);
        self.visits.wait_for_an_answer(3, three);
        for number in [3, 1] {
            self.is_answered(number)?;
            self.tell_of(number, "sees 200", "200", NOTHING);
        }
        Ok(())
    }

    fn tell_of(
        &mut self,
        number: u32,
        deed: &str,
        word: &'static str,
        then: char,
    ) {
        let visitor = format!("visitor {number}");
        self.visits.timeline.note(&visitor, word, then);
        if [REQUEST, HALF_A_REQUEST].contains(&then) {
            let worker = format!("worker {number}"); // each has its own
            self.story.tell_to(visitor, worker, deed, "");
        } else {
            self.story.tell(visitor, deed, "");
        }
    }

    /// Waits for what this visitor waits for. Meanwhile the primary works.
    fn hear(&mut self, number: u32) -> Result<Heard> {
        loop {
            if let Some(heard) = self.visits.take(number) {
                return Ok(heard);
            }
            match self.primary.next_event()? {
                Some(event) => self.react(event)?,
                // Then the last thing that a worker did was to answer.
                None => self.visits.wait()?,
            }
        }
    }

    fn is_answered(&mut self, number: u32) -> Result<Connection> {
        match self.hear(number)? {
            (_, Ok(answer), connection)
                if answer.is_success() && answer.worker() == Some(number) =>
            {
                Ok(connection)
            }
            (_, saw, _) => lost(format!("visitor {number} saw {saw:?}")),
        }
    }

    pub(crate) fn until(&mut self, then: impl Fn(&Play) -> bool) -> Outcome {
        while !then(self) {
            match self.primary.next_event()? {
                Some(event) => self.react(event)?,
                None => return lost("no worker is left"),
            }
        }
        Ok(())
    }

    /// The one that has waited longest gets the next visitor.
    pub(crate) fn wait_until_it_waits_for_visitors(
        &mut self,
        worker: WorkerId,
    ) -> Outcome {
        while !self.primary.is_idle(worker) {
            self.primary.tell_when_idle(worker);
            match self.primary.next_event()? {
                Some(event) => self.react(event)?,
                None => return lost("no worker is left"),
            }
        }
        Ok(())
    }
}
