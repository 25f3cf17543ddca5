//! What was measured, as tables and sentences: plain data in, lines out.

use std::time::Duration;

use cluster::{Exit, WorkerId};

use crate::crew::{Arrangement, Returned};
use crate::mishap::Mishap;
use crate::proc::Cost;

/// In front of what differs from run to run, and from language to language.
const MARGIN: &str = "  | ";

/// How one arrangement did the work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) crew: Arrangement,
    pub(crate) files: Job,
    pub(crate) primes: Job,
    pub(crate) cost: Cost,
}

/// What one job took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

impl Job {
    pub(crate) fn of(returned: &Returned) -> Job {
        Job { wall: returned.took, cpu: returned.cost.cpu }
    }

    fn cells(self) -> String {
        format!("{:>7} {:>7}", ms(self.wall), ms(self.cpu))
    }
}

/// What was left after a mishap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    pub(crate) done: usize,
    pub(crate) of: usize,
    /// Memory that nobody uses, and nobody gets back; in KiB.
    pub(crate) leaked: u64,
}

impl Left {
    /// In KiB. Up to half of the leak, memory moves by itself: pages are shared
    /// with others that come and go.
    const NOISE: u64 = 16 * 1024;

    fn cell(self) -> String {
        let Left { done, of, leaked } = self;
        match leaked {
            Left::NOISE.. => {
                format!("{done} of {of}, -{} MiB", (leaked + 512) / 1024)
            }
            _ => format!("{done} of {of}"),
        }
    }
}

/// The first sentence about a row: how fast it was.
pub(crate) fn speed(row: &Row, one: Option<&Row>) -> String {
    let crew = row.crew;
    let Some(one) = one else {
        let [files, primes] = [row.files.wall, row.primes.wall].map(ms);
        return format!("{crew}: files {files}, primes {primes}");
    };
    let files = ratio(one.files.wall, row.files.wall);
    let primes = ratio(one.primes.wall, row.primes.wall);
    format!("{crew}: files {files} times as fast, primes {primes} times")
}

pub(crate) fn work_table(rows: &[Row]) -> String {
    let mut table = format!(
        "{MARGIN}                      files          primes  \
         counted            memory, MiB\n\
         {MARGIN}               time     CPU    time     CPU  \
         proc. threads     RSS     PSS\n"
    );
    for row in rows {
        let (files, primes) = (row.files.cells(), row.primes.cells());
        let Cost { processes, threads, .. } = row.cost;
        let mib = |kib| format!("{:.1}", kib as f64 / 1024.0);
        let [rss, pss] = [row.cost.rss, row.cost.pss].map(mib);
        table += &format!(
            "{MARGIN}{:<11} {files} {primes} {processes:>6} {threads:>7} \
             {rss:>7} {pss:>7}\n",
            row.crew
        );
    }
    table
}

pub(crate) fn mishap_table(
    crews: &[Arrangement],
    mishaps: &[(Mishap, Vec<Left>)],
) -> String {
    let mut table = format!("{MARGIN}left of the tasks ");
    for crew in crews {
        table += &format!(" {:>17}", crew.to_string());
    }
    table.push('\n');
    for (mishap, left) in mishaps {
        table += &format!("{MARGIN}{:<18}", mishap.told());
        for left in left {
            table += &format!(" {:>17}", left.cell());
        }
        table.push('\n');
    }
    table
}

/// The last sentence about a row: what it costs, if one task aborts.
pub(crate) fn price(row: &Row, one: &Row, aborted: Left) -> String {
    let (crew, gone) = (row.crew, aborted.of - aborted.done);
    let tasks = format!("{gone} of {} tasks", aborted.of);
    if crew == one.crew {
        return format!("{crew} with {tasks}, when one aborts");
    }
    let memory = row.cost.pss as f64 / one.cost.pss.max(1) as f64;
    format!("{crew} with {memory:.1} times the memory, and {tasks}")
}

/// When it is the right choice.
pub(crate) fn choice(crew: Arrangement) -> &'static str {
    match (crew.processes, crew.threads) {
        (1, 1) => "it when one CPU is enough",
        (1, _) => "them to share memory, where it trusts every task",
        _ => "them when no task may take the others along",
    }
}

/// A death that is told in the margin.
pub(crate) fn aside(worker: WorkerId, exit: Exit) -> String {
    format!("{MARGIN}{worker:<9} {exit}, not asked")
}

fn ratio(one: Duration, many: Duration) -> String {
    format!("{:.1}", one.as_secs_f64() / many.as_secs_f64().max(1e-6))
}

fn ms(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mishap;

    fn row(processes: usize, threads: usize, pss: u64) -> Row {
        let crew = Arrangement { processes, threads };
        let ms = Duration::from_millis;
        let job = Job { wall: ms(9_999), cpu: ms(9_999) };
        let (processes, threads) = (processes as u64, 16);
        let cost = Cost { processes, threads, rss: 999_999, pss, cpu: ms(0) };
        Row { crew, files: job, primes: job, cost }
    }

    #[test]
    fn tables_fit_80_columns_however_large_the_numbers_are() {
        let crews = Arrangement::three(16);
        let rows = crews.map(|it| row(it.processes, it.threads, 999_999));
        let left = Left { done: 16, of: 16, leaked: 99_999 };
        let mishaps = mishap::ALL.map(|it| (it, vec![left; 3]));
        let tables = work_table(&rows) + &mishap_table(&crews, &mishaps);
        assert_eq!(tables.lines().count(), 5 + 4);
        for line in tables.lines() {
            assert!(line.starts_with(MARGIN), "{line}");
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn sentences_say_what_was_measured() {
        let [one, pool] = [row(1, 1, 2000), row(1, 3, 3000)];
        assert_eq!(
            speed(&one, None),
            "one thread: files 9999 ms, primes 9999 ms"
        );
        let twice = Job { wall: one.files.wall / 2, ..one.files };
        let pool = Row { files: twice, ..pool };
        let expected = "3 threads: files 2.0 times as fast, primes 1.0 times";
        assert_eq!(speed(&pool, Some(&one)), expected);
        let none = Left { done: 0, of: 3, leaked: 0 };
        let expected = "3 threads with 1.5 times the memory, and 3 of 3 tasks";
        assert_eq!(price(&pool, &one, none), expected);
        let two = Left { done: 2, ..none };
        let expected = "3 workers with 2.0 times the memory, and 1 of 3 tasks";
        assert_eq!(price(&row(3, 1, 4000), &one, two), expected);
        let expected = "one thread with 3 of 3 tasks, when one aborts";
        assert_eq!(price(&one, &one, none), expected);
    }

    #[test]
    fn what_leaked_is_told_and_noise_is_not() {
        let left = |leaked| Left { done: 3, of: 3, leaked }.cell();
        assert_eq!(left(32 * 1024), "3 of 3, -32 MiB");
        assert_eq!(left(10_000), "3 of 3");
    }
}
