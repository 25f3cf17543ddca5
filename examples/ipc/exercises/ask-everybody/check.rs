//! Three workers, of which the first one thinks longest.

mod exercise;
mod solution;

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use cluster::{Error, Primary, Role, Worker, WorkerId};
use exercises::{Events, Exercise, Verdict, same};

type AskEverybody =
    fn(&mut Primary, &str) -> Result<BTreeMap<WorkerId, String>, Error>;

pub fn exercise() -> Exercise {
    Exercise::new(
        file!(),
        judge,
        exercise::ask_everybody,
        solution::ask_everybody,
    )
}

fn judge(role: Role, ask_everybody: AskEverybody) -> Verdict {
    match role {
        Role::Worker(me) => think(me),
        Role::Primary(mut primary) => {
            let workers = [primary.fork()?, primary.fork()?, primary.fork()?];
            for question in ["tea or coffee?", "with milk?"] {
                let answer = |worker: WorkerId| {
                    (worker, format!("{question} {worker} says yes"))
                };
                let expected = workers.map(answer).into();
                let seen = ask_everybody(&mut primary, question)?;
                same("answers", expected, seen)?;
            }
            primary.dismiss()
        }
    }
}

fn think(mut me: Worker) -> Verdict {
    while let Some(message) = me.recv()? {
        let question: String = message.parse()?;
        // Thinking takes its time; nobody relies on how long.
        thread::sleep(Duration::from_millis(20) * (4 - me.id().get()));
        me.send(format!("{question} {} says yes", me.id()))?;
    }
    Ok(())
}
