//! Who served whom: plain data in, lines out. They stand in the margin, where
//! chance decides and runs differ.

const MARGIN: &str = "  | ";
/// The longest bar, for one who serves everybody.
const BAR: usize = 36;

/// Who served, in order as far as a line reaches; then a line for each worker.
pub(crate) fn tally(served: &[u32], workers: &[u32]) -> String {
    let mut lines = format!("{MARGIN}served by");
    for worker in served {
        if lines.len() > 70 {
            lines.push_str(" ...");
            break;
        }
        lines.push_str(&format!(" {worker}"));
    }
    let all = served.len();
    for worker in workers {
        let count = served.iter().filter(|&it| it == worker).count();
        let bar = "#".repeat((BAR * count + all / 2) / all.max(1));
        let line =
            format!("{MARGIN}worker {worker:<2} serves {count:>2} of {all}");
        lines.push_str(format!("\n{line}  {bar}").trim_end_matches(' '));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_share_and_no_line_is_too_long() {
        let tally = tally(&[2, 1, 2, 2], &[1, 2, 3]);
        let lines: Vec<&str> = tally.lines().collect();
        assert_eq!(lines[0], "  | served by 2 1 2 2");
        let bar = "#".repeat(27);
        assert_eq!(lines[2], format!("  | worker 2  serves  3 of 4  {bar}"));
        assert_eq!(lines[3], "  | worker 3  serves  0 of 4");

        let long = super::tally(&[64; 1000], &[64]);
        assert!(long.lines().all(|line| line.len() <= 80), "{long}");
        assert!(!super::tally(&[], &[1]).contains('#'));
    }
}
