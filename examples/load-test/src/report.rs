//! Tables and sentences about what was measured: plain data in, lines out.
//! They stand in the margin, where runs differ.

use std::fmt::Write;
use std::time::Duration;

use crate::tally::Tally;

const MARGIN: &str = "  | ";
const BAR: usize = 40;

/// The table of runs, each with its name.
pub(crate) fn table(runs: &[(String, &Tally)]) -> String {
    let mut text = format!(
        "{MARGIN}{:<10} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6}",
        "", "requests/s", "p50", "p90", "p99", "p99.9", "max", "errors"
    );
    for (name, run) in runs {
        let [p50, p90, p99, p999] =
            [0.5, 0.9, 0.99, 0.999].map(|it| time(run.quantile(it)));
        let (per_second, errors) = (run.per_second(), run.errors());
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "\n{MARGIN}{name:<10} {per_second:>10.0} {p50:>8} {p90:>8} \
             {p99:>8} {p999:>8} {:>8} {errors:>6}",
            time(run.most())
        );
    }
    text
}

/// What went wrong, by name; empty if nothing did.
pub(crate) fn troubles(run: &Tally) -> Vec<String> {
    let all = run.troubles.iter();
    all.map(|(trouble, count)| format!("{MARGIN}{count:>9} {}", trouble.name()))
        .collect()
}

/// Which worker had which share.
pub(crate) fn shares(run: &Tally) -> Option<String> {
    let shares = run.shares();
    let all: u64 = shares.iter().map(|(_, count)| count).sum();
    let mut text = format!("{MARGIN}answers by worker:");
    for (worker, count) in &shares {
        if text.len() > 70 {
            text.push_str(" ...");
            break;
        }
        let percent = 100.0 * *count as f64 / all.max(1) as f64;
        let _ = write!(text, " {worker}: {percent:.0} %");
    }
    (!shares.is_empty()).then_some(text)
}

/// How many answers took how long.
pub(crate) fn histogram(run: &Tally) -> String {
    let all = run.requests().max(1);
    let mut text = format!("{MARGIN}answered within");
    if run.requests() == 0 {
        return format!("{MARGIN}answered: nobody");
    }
    let (mut below, mut limit) = (0, 32);
    while below < run.requests() {
        let upto = run.latency.count_between(0, limit);
        let count = upto.saturating_sub(below);
        if count * 1000 >= all || upto >= run.requests() {
            let bar = "#".repeat((BAR as u64 * count / all) as usize);
            let percent = 100.0 * count as f64 / all as f64;
            let limit = time(Duration::from_micros(limit));
            let line = format!("{MARGIN}{limit:>9} {percent:>5.1} %  {bar}");
            let _ = write!(text, "\n{}", line.trim_end());
        }
        (below, limit) = (upto.max(below), limit.saturating_mul(2));
    }
    text
}

/// What it means, in one sentence, broken into lines.
pub(crate) fn meaning(one: &Tally, many: &Tally, workers: usize) -> String {
    let cpus = cluster::available_parallelism();
    let ratio = many.per_second() / one.per_second().max(1e-9);
    let own = 100.0 * many.own_cpu.as_secs_f64()
        / many.took.as_secs_f64().max(1e-9)
        / cpus as f64;
    let of = if cpus == 1 { "the CPU" } else { "all CPUs" };
    let mut text = format!(
        "On this machine ({cpus} CPUs) {workers} workers answer {ratio:.2} \
         times as many requests as 1, while asking alone took {own:.0} % of {of}"
    );
    if cfg!(debug_assertions) {
        text.push_str("; this is a debug build, and measures debug code");
    }
    wrap(&(text + "."))
}

fn wrap(text: &str) -> String {
    let mut lines = vec![MARGIN.trim_end().to_owned()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if lines[last].len() + 1 + word.len() > 78 {
            lines.push(MARGIN.trim_end().to_owned());
        }
        let last = lines.len() - 1;
        lines[last].push(' ');
        lines[last].push_str(word);
    }
    lines.join("\n")
}

fn time(time: Duration) -> String {
    let us = time.as_micros();
    match us {
        0..1000 => format!("{us} us"),
        1000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Trouble;

    #[test]
    fn everything_fits_80_columns_however_odd_the_numbers() {
        let mut run = Tally::new().unwrap();
        for exponent in 0..32 {
            run.answered(Duration::from_micros(1 << exponent), Some(exponent));
            run.trouble(Trouble::Status(500));
        }
        run.took = Duration::from_micros(1);
        let empty = Tally::new().unwrap();
        for text in [
            table(&[("64 workers".into(), &run), ("none".into(), &empty)]),
            troubles(&run).join("\n"),
            shares(&run).unwrap(),
            histogram(&run),
            histogram(&empty),
            meaning(&empty, &run, 64),
        ] {
            for line in text.lines() {
                assert!(line.starts_with("  |"), "{line}");
                assert!(line.len() <= 80, "{} {line}", line.len());
            }
        }
        assert_eq!(shares(&empty), None);
    }

    #[test]
    fn the_histogram_counts_everybody_once() {
        let mut run = Tally::new().unwrap();
        for ms in [1, 1, 1, 9] {
            run.answered(Duration::from_millis(ms), None);
        }
        let text = histogram(&run);
        assert!(text.contains(" 75.0 %") && text.contains(" 25.0 %"), "{text}");
    }
}
