//! Two workers, and a task that ends either of them, but not who comes after.

mod exercise;
mod solution;

use std::collections::BTreeMap;

use cluster::{Error, Primary, Role, Worker};
use exercises::{Events, Exercise, Verdict, same};

type Calculate = fn(&mut Primary, &[u64]) -> Result<BTreeMap<u64, u64>, Error>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::calculate, solution::calculate)
}

fn judge(role: Role, calculate: Calculate) -> Verdict {
    match role {
        Role::Worker(me) => work(me),
        Role::Primary(mut primary) => {
            primary.fork()?;
            primary.fork()?;
            let tasks: Vec<u64> = (10..20).collect();
            let answers = calculate(&mut primary, &tasks)?;
            let expected = tasks.iter().map(|task| (*task, task * task));
            same("answers", expected.collect(), answers)?;
            primary.dismiss()
        }
    }
}

fn work(mut me: Worker) -> Verdict {
    while let Some(task) = me.recv()? {
        let task: u64 = task.parse()?;
        if task == 13 && me.id().get() <= 2 {
            std::process::exit(1);
        }
        me.send(task * task)?;
    }
    Ok(())
}
