//! Three workers; then each says what it has heard.

mod exercise;
mod solution;

use cluster::{Error, Event, Primary, Role, Worker, WorkerId};
use exercises::{Events, Exercise, Verdict, same};

type TellOthers = fn(&mut Primary, WorkerId, &str) -> Result<(), Error>;

const QUESTION: &str = "what have you heard?";

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::tell_others, solution::tell_others)
}

fn judge(role: Role, tell_others: TellOthers) -> Verdict {
    match role {
        Role::Worker(me) => listen(me),
        Role::Primary(mut primary) => {
            let workers = [primary.fork()?, primary.fork()?, primary.fork()?];
            for speaker in workers {
                let said = format!("{speaker} has an idea");
                tell_others(&mut primary, speaker, &said)?;
            }
            for worker in workers {
                primary.send(worker, QUESTION)?;
                let heard = hear(&mut primary, worker)?;
                let others = workers.into_iter().filter(|&it| it != worker);
                let ideas = others.map(|it| format!("{it} has an idea"));
                same(format!("{worker} hears"), ideas.collect(), heard)?;
            }
            primary.dismiss()
        }
    }
}

fn hear(
    primary: &mut Primary,
    worker: WorkerId,
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let heard = primary.until("an answer", |event| match event {
        Event::Message(from, message) if from == worker => Some(message),
        _ => None,
    })?;
    Ok(heard.parse()?)
}

fn listen(mut me: Worker) -> Verdict {
    let mut heard: Vec<String> = Vec::new();
    while let Some(message) = me.recv()? {
        match message.parse::<String>()? {
            question if question == QUESTION => me.send(&heard)?,
            text => heard.push(text),
        }
    }
    Ok(())
}
