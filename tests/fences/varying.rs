//! What may differ between a page and a run. All else must be the same, letter by letter.

use std::ops::Range;

/// How a block is compared with its run: what its fence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Line by line.
    InOrder,
    /// `per-worker`: each worker's lines in their order, whatever stands between them.
    PerWorker,
    /// `varies`: each kind of line, in the order in which the kinds first come.
    Varies,
}

/// What is taken as varying, for a person to read.
pub const LIST: &str = "\
In every block of output:
  a process id     behind `pid`, `pid=`, `process`, in (57) or [57]
  a port           behind `port`, or behind an address: 127.0.0.1:3000
  a duration       a number before seconds, s, ms, us, µs or ns, and its unit
  a ratio          a number with a point before `times`
  the margin       lines that begin with `  | `: numbers with their units, charts of #=-.|, who
                   answered (Rust, Node), and how often a line comes
  spaces           how many there are between two words
With `per-worker` also the order between workers.
With `varies` also every number of less than eight digits (longer ones are results), with its unit;
the s of a word beside a number, how long a list of numbers is, and how often a line comes that
only differs in numbers from another.";

/// A number of so many digits is a result: measurements are shorter.
const RESULT: usize = 8;

const DURATIONS: [&str; 7] = ["seconds", "second", "s", "ms", "us", "µs", "ns"];
const SIZES: [&str; 4] = ["KiB", "MiB", "GiB", "TB"];
const CHART: [char; 5] = ['#', '=', '-', '.', '|'];
const WHO: [&str; 2] = ["Rust", "Node"];

/// The pieces of a line that may be anything.
pub fn pieces(line: &str, mode: Mode, in_margin: bool) -> Vec<Range<usize>> {
    let every_number = in_margin || mode == Mode::Varies;
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(number) = next_number(line, at, every_number) {
        let (before, after) = (&line[..number.start], &line[number.end..]);
        let length = line[number.clone()].matches(|c: char| c.is_ascii_digit()).count();
        let (duration, size) = (unit(after, &DURATIONS), unit(after, &SIZES));
        let (varies, unit) = if every_number {
            (in_margin || length < RESULT, duration.max(size))
        } else {
            (duration > 0 || is_ratio(line, &number) || is_id(before, after), duration)
        };
        at = number.end + unit;
        if varies {
            pieces.push(number.start..at);
        }
    }
    if in_margin {
        let charts = line.char_indices().filter(|(_, c)| CHART.contains(c));
        pieces.extend(charts.map(|(at, c)| at..at + c.len_utf8()));
        pieces.extend(
            WHO.iter().flat_map(|who| line.match_indices(who)).map(|(at, who)| at..at + who.len()),
        );
    }
    pieces
}

/// The next number that begins no word and ends none: `99` in `p99` is a part of a name.
fn next_number(line: &str, from: usize, every_number: bool) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let start = at + line[at..].find(|c: char| c.is_ascii_digit())?;
        let mut end = start + digits(&line[start..]);
        loop {
            let rest = &line[end..];
            let joints: &[&str] = if every_number { &["...", ".", ",", "-"] } else { &["."] };
            let joint = joints
                .iter()
                .find(|joint| rest.strip_prefix(**joint).is_some_and(|rest| digits(rest) > 0));
            let Some(joint) = joint else { break };
            end += joint.len() + digits(&rest[joint.len()..]);
        }
        let is_named =
            line[..start].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        if !is_named {
            let sign = every_number && line[..start].ends_with(" -");
            return Some(start - usize::from(sign)..end);
        }
        at = end;
    }
}

fn digits(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

/// How long the unit is that follows a number, with the space before it.
fn unit(after: &str, units: &[&str]) -> usize {
    let word = after.strip_prefix(' ').unwrap_or(after);
    let letters = word.find(|c: char| !c.is_alphabetic()).unwrap_or(word.len());
    if units.contains(&&word[..letters]) { after.len() - word.len() + letters } else { 0 }
}

fn is_ratio(line: &str, number: &Range<usize>) -> bool {
    line[number.clone()].contains('.') && line[number.end..].starts_with(" times")
}

fn is_id(before: &str, after: &str) -> bool {
    let enclosed = (before.ends_with('(') && after.starts_with(')'))
        || (before.ends_with('[') && after.starts_with(']'));
    let announced = ["pid ", "pid=", "process ", "port "].iter().any(|word| before.ends_with(word));
    let address = before.strip_suffix(':').is_some_and(|host| {
        host.ends_with("localhost") || host.rsplit(['/', ' ']).next().is_some_and(is_ip)
    });
    enclosed || announced || address
}

fn is_ip(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok()
}

/// The line as it is compared: with a mark for each piece that varies, and single spaces.
pub fn masked(line: &str, mode: Mode, in_margin: bool) -> String {
    let mut masked = String::new();
    let mut at = 0;
    let mut pieces = pieces(line, mode, in_margin);
    pieces.sort_by_key(|piece| piece.start);
    for piece in pieces {
        if piece.start < at {
            continue; // a part of the one before
        }
        masked.push_str(&line[at..piece.start]);
        masked.push_str(if in_margin { " <n> " } else { "<n>" });
        at = piece.end;
    }
    masked.push_str(&line[at..]);
    // In the margin, a comma is left alone between two marks.
    let words: Vec<&str> = masked.split_whitespace().filter(|word| *word != ",").collect();
    if mode == Mode::Varies || in_margin { loosened(&words) } else { words.join(" ") }
}

/// One worker or several, a list of one number or of many.
fn loosened(words: &[&str]) -> String {
    let is_number =
        |at: Option<usize>| at.and_then(|at| words.get(at)).is_some_and(|it| it.contains("<n>"));
    let mut loose: Vec<String> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let beside = is_number(at.checked_sub(1)) || is_number(at.checked_add(1));
        let word = if beside { singular(word) } else { (*word).to_owned() };
        match loose.last_mut() {
            Some(last) if last.trim_end_matches(',') == "<n>" && word.starts_with("<n>") => {
                *last = word
            }
            _ => loose.push(word),
        }
    }
    loose.join(" ")
}

fn singular(word: &str) -> String {
    let name = word.trim_end_matches([',', ':', ';', '.']);
    let end = &word[name.len()..];
    format!("{}{end}", name.strip_suffix('s').unwrap_or(name))
}
