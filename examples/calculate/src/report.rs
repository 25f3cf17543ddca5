//! What is printed at the end: a table, all digits, or a line of JSON.

use narrator::Outcome;
use serde::Serialize;

use crate::kernel::{Answer, Work};
use crate::task::Task;
use crate::text;
use crate::voice::Voice;
use crate::{Args, Result};

/// A task, what came of it, and how long that took.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    task: Task,
    answer: Answer,
    digits: String,
    /// Seconds with one part at a time, if that was measured.
    alone: Option<f64>,
    /// Seconds with all workers.
    together: f64,
}

impl Done {
    pub(crate) fn new(
        task: Task,
        answer: Answer,
        alone: Option<f64>,
        together: f64,
    ) -> Done {
        let digits = answer.number.to_string();
        Done { task, answer, digits, alone, together }
    }

    pub(crate) fn result(&self) -> String {
        text::result(&self.digits, &self.answer)
    }

    fn json(&self, workers: usize) -> Result<String> {
        Ok(serde_json::to_string(&Line {
            task: self.task.command(),
            result: &self.digits,
            last: &self.answer.last,
            seconds: self.together,
            workers,
        })?)
    }
}

/// What came of a task, for programs.
#[derive(Serialize)]
struct Line<'a> {
    task: String,
    /// A text: most readers of JSON round long numbers.
    result: &'a str,
    #[serde(skip_serializing_if = "<[u64]>::is_empty")]
    last: &'a [u64],
    seconds: f64,
    workers: usize,
}

/// What is shared out, as the story says it.
pub(crate) fn share(task: &Task, parts: &[Work]) -> String {
    format!("{task} in {}", text::many(parts.len(), "part"))
}

/// Prints what was asked for.
pub(crate) fn print(voice: &Voice, all: &[Done], args: &Args) -> Outcome {
    let workers = args.workers.into();
    if args.json {
        for done in all {
            voice.show(done.json(workers)?);
        }
        return Ok(());
    }
    if args.words.is_empty() {
        voice.show(table(all));
    }
    voice.tell("primary", verdict(all, workers), "");
    if args.full {
        all.iter().for_each(|done| voice.show(&done.digits));
    }
    Ok(())
}

/// One row for each task.
pub(crate) fn table(all: &[Done]) -> String {
    let row = |cells: [String; 5]| {
        let [task, result, alone, together, faster] = cells;
        let row = format!(
            "  {task:<19}  {result:<19}  {alone:>10}  {together:>11}  {faster:>9}"
        );
        row.trim_end().to_owned()
    };
    let words = ["task", "result", "one worker", "all workers", "speed-up"];
    let mut lines = vec![row(words.map(str::to_owned))];
    for done in all {
        let or_nothing = |text: Option<String>| text.unwrap_or_default();
        lines.push(row([
            done.task.to_string(),
            text::short(&done.digits),
            or_nothing(done.alone.map(text::ms)),
            text::ms(done.together),
            or_nothing(done.alone.map(|alone| times(alone, done.together))),
        ]));
    }
    lines.join("\n")
}

/// What was measured, in a sentence.
pub(crate) fn verdict(all: &[Done], workers: usize) -> String {
    let sum = |of: fn(&Done) -> f64| all.iter().map(of).sum::<f64>();
    let together = sum(|done| done.together);
    let workers = text::many(workers, "worker");
    if all.iter().any(|done| done.alone.is_none()) {
        return format!(
            "is done after {} with {workers}",
            text::time(together)
        );
    }
    let alone = sum(|done| done.alone.unwrap_or_default());
    format!("sees {workers} do it {} as fast as one", times(alone, together))
}

fn times(alone: f64, together: f64) -> String {
    format!("{:.1} times", alone / together)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn done(
        task: Task,
        number: u64,
        alone: Option<f64>,
        together: f64,
    ) -> Done {
        let answer = Answer { number: number.into(), last: Vec::new() };
        Done::new(task, answer, alone, together)
    }

    #[test]
    fn the_table_and_the_verdict_say_what_was_measured() {
        let all = [
            done(Task::Primes(100), 25, Some(0.3), 0.15),
            done(Task::Fibonacci(10), 55, Some(0.1), 0.1),
        ];
        let table = table(&all);
        let rows: Vec<Vec<&str>> =
            table.lines().map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(
            rows[1],
            [
                "primes", "to", "100", "25", "300", "ms", "150", "ms", "2.0",
                "times"
            ]
        );
        assert_eq!(
            rows[2],
            ["fibonacci", "10", "55", "100", "ms", "100", "ms", "1.0", "times"]
        );
        assert_eq!(
            verdict(&all, 2),
            "sees 2 workers do it 1.6 times as fast as one"
        );
    }

    #[test]
    fn what_was_not_compared_is_not_judged() {
        let all = [done(Task::Primes(100), 25, None, 2.5)];
        assert_eq!(verdict(&all, 1), "is done after 2.5 seconds with 1 worker");
        assert!(table(&all).ends_with("2500 ms"));
    }

    #[test]
    fn json_carries_the_result_as_a_text() {
        let mut done = done(Task::Primes(100), 25, None, 0.5);
        done.answer.last = vec![89, 97];
        let line: serde_json::Value =
            serde_json::from_str(&done.json(2).unwrap()).unwrap();
        assert_eq!(
            line,
            json!({"task": "primes 100", "result": "25", "seconds": 0.5, "workers": 2, "last": [89, 97]})
        );
    }
}
