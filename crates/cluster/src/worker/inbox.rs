//! What was told to this worker and not taken by the program yet, within bounds.

use std::collections::VecDeque;

use super::event::WorkerEvent;
use crate::terms::Terms;
use crate::{Error, Message};

/// How many bytes of messages are kept for a program that takes none, where the primary does not
/// know that it should stop.
const MOST: usize = 16 * 1024 * 1024;

/// What a message costs here beside its text, however short it is.
const EACH: usize = size_of::<WorkerEvent>() + 64;

/// What a descriptor costs: with this, 256 of them are kept at most, and the usual limit is 1,024
/// open files.
const DESCRIPTOR: usize = MOST / 256;

/// What was told to this worker and not taken by the program yet.
///
/// A primary of ours counts what the program took, as [`Inbox::due_report`] says, and sends no more
/// than fits. Any other one sends whatever it likes: what is beyond the bound is dropped, and
/// counted in its place.
#[derive(Debug)]
pub(super) struct Inbox {
    events: VecDeque<WorkerEvent>,
    /// How many bytes the program takes before the primary is told. `None`: this primary does not
    /// want to know.
    step: Option<u64>,
    /// What the messages here cost.
    cost: usize,
    /// Bytes of messages, as lines on the channel, that the program has taken, and those that the
    /// primary was told of.
    taken: u64,
    told: u64,
}

impl Inbox {
    pub(super) fn new(terms: Option<Terms>) -> Inbox {
        let step = terms.map(|terms| (terms.queue_limit as u64 / 4).max(1));
        Inbox { events: VecDeque::new(), step, cost: 0, taken: 0, told: 0 }
    }

    pub(super) fn message(&mut self, message: Message) {
        self.keep(WorkerEvent::Message(message));
    }

    /// The primary sent what is no message.
    pub(super) fn error(&mut self, error: Error) {
        self.keep(WorkerEvent::Error(error));
    }

    /// The primary asks this worker to leave. That comes once, and is never dropped.
    pub(super) fn disconnect(&mut self) {
        self.events.push_back(WorkerEvent::Disconnect);
    }

    fn keep(&mut self, event: WorkerEvent) {
        let cost = cost(&event);
        if self.step.is_some() || self.cost == 0 || self.cost + cost <= MOST {
            self.cost += cost;
            self.events.push_back(event);
        } else if let Some(WorkerEvent::Error(Error::Dropped(count))) = self.events.back_mut() {
            *count += 1;
        } else {
            self.events.push_back(WorkerEvent::Error(Error::Dropped(1)));
        }
    }

    /// The next one, for the program.
    pub(super) fn take(&mut self) -> Option<WorkerEvent> {
        let event = self.events.pop_front()?;
        self.cost -= cost(&event);
        if let WorkerEvent::Message(message) = &event {
            self.taken += message.line_bytes() as u64;
        }
        Some(event)
    }

    /// How many bytes the program has taken in all, when it is time to tell the primary.
    pub(super) fn due_report(&mut self) -> Option<u64> {
        let due = self.taken - self.told >= self.step?;
        due.then(|| {
            self.told = self.taken;
            self.taken
        })
    }
}

fn cost(event: &WorkerEvent) -> usize {
    match event {
        WorkerEvent::Message(message) => {
            let descriptor = if message.handle.is_some() { DESCRIPTOR } else { 0 };
            message.line_bytes() + EACH + descriptor
        }
        // One entry for any number of messages.
        WorkerEvent::Error(Error::Dropped(_)) => 0,
        WorkerEvent::Error(_) => 4 * EACH,
        WorkerEvent::Disconnect | WorkerEvent::Deadline => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SchedulingPolicy;
    use crate::wire::Json;

    fn ours(queue_limit: usize) -> Inbox {
        let policy = SchedulingPolicy::RoundRobin;
        Inbox::new(Some(Terms { line_limit: 100, queue_limit, policy }))
    }

    fn message(length: usize) -> Message {
        Message::from(serde_json::Value::from("x".repeat(length - 3))) // quotes and newline
    }

    /// What the program takes, in short.
    fn all(inbox: &mut Inbox) -> Vec<String> {
        let events = std::iter::from_fn(|| inbox.take());
        events
            .map(|event| match event {
                WorkerEvent::Message(message) => message.line_bytes().to_string(),
                WorkerEvent::Error(Error::Dropped(count)) => format!("Dropped({count})"),
                WorkerEvent::Error(error) => error.to_string(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn what_is_beyond_the_bound_is_dropped_and_counted_in_its_place() {
        let mut inbox = Inbox::new(None);
        let large = MOST / 2 - EACH;
        (0..5).for_each(|_| inbox.message(message(large)));
        inbox.error(Error::UnexpectedDescriptor);
        assert!(
            matches!(inbox.take(), Some(WorkerEvent::Message(_))),
            "there is room for one more"
        );
        (0..2).for_each(|_| inbox.message(message(10)));
        inbox.message(message(large));
        inbox.disconnect();
        let large = large.to_string();
        let expected = [&large, "Dropped(4)", "10", "10", "Dropped(1)", "Disconnect"];
        assert_eq!(all(&mut inbox), expected);
        assert_eq!(inbox.cost, 0);
    }

    #[test]
    fn a_message_that_finds_nothing_waiting_is_kept_however_long_it_is() {
        let mut inbox = Inbox::new(None);
        inbox.message(message(2 * MOST));
        inbox.message(message(10));
        assert_eq!(all(&mut inbox), [&(2 * MOST).to_string(), "Dropped(1)"]);
    }

    #[test]
    fn short_messages_errors_and_descriptors_are_bounded_too() {
        let mut inbox = Inbox::new(None);
        (0..400_000).for_each(|_| inbox.message(message(3)));
        (0..400_000).for_each(|_| inbox.error(Error::UnexpectedDescriptor));
        assert!(inbox.events.len() * EACH <= MOST);
        let mut inbox = Inbox::new(None);
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        for _ in 0..300 {
            let copy = one.try_clone().unwrap().into();
            inbox.message(Message::with_descriptor(Json::new(b"null".to_vec(), 5), copy).0);
        }
        assert!((200..257).contains(&inbox.events.len()), "{}", inbox.events.len());
    }

    #[test]
    fn a_primary_of_ours_is_told_after_every_quarter_of_the_limit_and_nothing_is_dropped() {
        let mut inbox = ours(400);
        (0..10).for_each(|_| inbox.message(message(40)));
        let mut told = Vec::new();
        while inbox.take().is_some() {
            told.extend(inbox.due_report());
        }
        assert_eq!(told, [120, 240, 360]);
        let mut huge = ours(0);
        (0..3).for_each(|_| huge.message(message(MOST)));
        huge.take();
        assert_eq!(huge.due_report(), Some(MOST as u64), "a limit of 0: each is told");
        assert_eq!((huge.due_report(), huge.events.len()), (None, 2));
        assert_eq!(Inbox::new(None).due_report(), None);
    }
}
