//! What each visitor saw, and when: a column for each moment, in order.

use std::time::Instant;

/// In front of what differs from run to run.
const MARGIN: &str = "  | ";
const LABEL: usize = 11;
const COLUMN: usize = 6;

/// What fills the row until the same one's next moment.
pub(crate) const NOTHING: char = ' ';
pub(crate) const REQUEST: char = '=';
pub(crate) const HALF_A_REQUEST: char = '-';
pub(crate) const IDLE: char = '.';

#[derive(Debug)]
pub(crate) struct Timeline {
    begin: Instant,
    moments: Vec<Moment>,
}

#[derive(Debug)]
struct Moment {
    ms: u128,
    who: String,
    word: &'static str,
    then: char,
}

impl Timeline {
    pub(crate) fn begin() -> Timeline {
        Timeline { begin: Instant::now(), moments: Vec::new() }
    }

    /// Something happens to somebody, now.
    pub(crate) fn note(&mut self, who: &str, word: &'static str, then: char) {
        let (ms, who) = (self.begin.elapsed().as_millis(), who.to_owned());
        self.moments.push(Moment { ms, who, word, then });
    }

    /// A row for each visitor, and a bar up from the primary's moment.
    pub(crate) fn picture(&self) -> String {
        let primary = self.moments.iter().position(|it| it.who == "primary");
        let all = |it: &Moment| Some((it.ms.to_string(), NOTHING));
        let mut rows = vec![self.row("at ms", all)];
        for who in
            ["visitor 1", "visitor 2", "visitor 3", "visitor 4", "primary"]
        {
            let his = |it: &Moment| {
                (it.who == who).then(|| (it.word.to_owned(), it.then))
            };
            let mut row = self.row(who, his);
            if let Some(bar) = primary.filter(|_| who != "primary") {
                row[LABEL + bar * COLUMN] = '|';
            }
            rows.push(row);
        }
        let line = |row: Vec<char>| {
            let row: String = row.into_iter().collect();
            format!("{MARGIN}{}", row.trim_end())
        };
        rows.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn row(
        &self,
        label: &str,
        word: impl Fn(&Moment) -> Option<(String, char)>,
    ) -> Vec<char> {
        let mut row: Vec<char> = format!("{label:LABEL$}").chars().collect();
        let mut filler = NOTHING;
        for (column, moment) in self.moments.iter().enumerate() {
            if let Some((word, then)) = word(moment) {
                row.resize(LABEL + column * COLUMN, filler); // or cut
                row.extend(word.chars());
                filler = then;
            }
            let end = LABEL + (column + 1) * COLUMN;
            row.resize(row.len().max(end), filler);
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_moment_has_a_column_and_the_signal_a_bar() {
        let mut timeline = Timeline::begin();
        timeline.note("visitor 1", "asks", REQUEST);
        timeline.note("visitor 2", "half", HALF_A_REQUEST);
        timeline.note("primary", "SIGINT", NOTHING);
        timeline.note("visitor 4", "refused", NOTHING);
        timeline.note("visitor 1", "200", NOTHING);
        for (number, moment) in (1..).zip(&mut timeline.moments) {
            moment.ms = number * 7;
        }
        let picture = [
            "  | at ms      7     14    21    28    35",
            "  | visitor 1  asks========|===========200",
            "  | visitor 2        half--|-----------------",
            "  | visitor 3              |",
            "  | visitor 4              |     refused",
            "  | primary                SIGINT",
        ];
        assert_eq!(timeline.picture(), picture.join("\n"));
    }
}
