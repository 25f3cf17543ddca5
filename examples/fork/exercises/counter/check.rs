//! Three workers are forked while the primary counts; each says where it
//! begins.

mod exercise;
mod solution;

use cluster::{Error, Event, Primary, Role, WorkerId};
use exercises::{Events, Exercise, Verdict, same, stay};

type Fork = fn(&mut Primary, u32) -> Result<WorkerId, Error>;
type CounterOfWorker = fn() -> u32;

pub fn exercise() -> Exercise {
    Exercise::new(
        file!(),
        judge,
        (exercise::fork, exercise::counter_of_worker),
        (solution::fork, solution::counter_of_worker),
    )
}

fn judge(role: Role, (fork, counter): (Fork, CounterOfWorker)) -> Verdict {
    match role {
        Role::Worker(me) => {
            me.send(counter())?;
            stay(me)
        }
        Role::Primary(mut primary) => {
            for count in [7, 8, 1_000_000] {
                let forked = fork(&mut primary, count)?;
                let begins =
                    primary.until("a worker that counts", |event| {
                        let Event::Message(from, message) = event else {
                            return None;
                        };
                        (from == forked).then(|| message.parse::<u32>())
                    })?;
                same(format!("{forked} begins at"), count, begins?)?;
            }
            primary.dismiss()
        }
    }
}
