//! What is told, and what is shown: plain data in, lines out.

use std::time::Duration;

use cluster::SchedulingPolicy;

/// The longest bar, for one who serves everybody.
const BAR: usize = 36;
/// In front of what chance decides, and differs from run to run.
const MARGIN: &str = "  | ";

/// What the primary says first.
pub(crate) fn opening(policy: SchedulingPolicy) -> &'static str {
    match policy {
        SchedulingPolicy::Shared => {
            "leaves each connection to the kernel (none)"
        }
        _ => "takes each connection, and hands it over (rr)",
    }
}

/// Who served, in order, as far as a line reaches.
pub(crate) fn order(served: &[u32]) -> String {
    let mut line = format!("{MARGIN}served by");
    for worker in served {
        if line.len() > 70 {
            line.push_str(" ...");
            break;
        }
        line.push_str(&format!(" {worker}"));
    }
    line
}

/// A sentence for each worker, and one for the primary.
pub(crate) fn tally(
    served: &[u32],
    workers: impl Iterator<Item = u32>,
) -> Vec<(String, String)> {
    let all = served.len();
    let mut counts = Vec::new();
    let mut lines = Vec::new();
    for worker in workers {
        let count = served.iter().filter(|&&it| it == worker).count();
        let bar = "#".repeat((BAR * count + all / 2) / all.max(1));
        let deed = format!("serves {count:>2} of {all}  {bar}");
        lines.push((format!("worker {worker}"), deed.trim_end().to_owned()));
        counts.push(count);
    }
    let most = counts.iter().max().copied().unwrap_or_default();
    let least = counts.iter().min().copied().unwrap_or_default();
    let deed = format!("finds a spread of {}", most - least);
    lines.push(("primary".to_owned(), deed));
    lines
}

/// A sentence that the kernel had a hand in: it stands in the margin.
pub(crate) fn by_chance(actor: &str, deed: &str) -> String {
    format!("{MARGIN}{actor:<9} {deed}")
}

/// The longest wait of all.
pub(crate) fn longest(waits: &[Duration]) -> String {
    let longest = waits.iter().max().copied().unwrap_or_default();
    format!("waits {:.1} ms at most", longest.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_share_and_the_spread_is_told() {
        let tally = tally(&[2, 1, 2, 2], 1..=3);
        let deeds: Vec<&str> = tally.iter().map(|(_, deed)| &**deed).collect();
        let bars = [9, 27].map(|length| "#".repeat(length));
        assert_eq!(deeds[0], format!("serves  1 of 4  {}", bars[0]));
        assert_eq!(deeds[1], format!("serves  3 of 4  {}", bars[1]));
        assert_eq!(deeds[2..], ["serves  0 of 4", "finds a spread of 3"]);
    }

    #[test]
    fn no_line_is_wider_than_80_columns() {
        let served = [vec![16; 1000], vec![9; 3]].concat();
        let order = order(&served);
        assert!(order.len() <= 80 && order.ends_with(" ..."), "{order}");
        for (actor, deed) in tally(&served, 1..=16) {
            let line = by_chance(&actor, &deed);
            assert!(line.len() <= 80, "{line}");
        }
        assert_eq!(tally(&[], std::iter::empty()).len(), 1); // no panic
    }
}
