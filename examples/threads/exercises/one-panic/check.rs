//! Tasks that answer and tasks that panic.

mod exercise;
mod solution;

use cluster::Role;
use exercises::{Exercise, Verdict, same};

type Task = fn() -> u64;
type Run = fn(Vec<Task>) -> Vec<Option<u64>>;

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::run, solution::run)
}

fn judge(_: Role, run: Run) -> Verdict {
    let (one, two): (Task, Task) = (|| 1, || 2);
    same("answers of good tasks", vec![Some(1), Some(2)], run(vec![one, two]))?;
    let expected = vec![Some(1), None, Some(2), None];
    let answers = run(vec![one, panics, two, panics]);
    same("answers, if the second and fourth panic", expected, answers)?;
    same("answers of a task that panics", vec![None], run(vec![panics]))
}

fn panics() -> u64 {
    panic!("there is no seat 42")
}
