//! Lays a table out in columns, wrapping cells where it would be too wide.

use crate::text::Text;

const GAP: usize = 2;
const HANG: usize = 2;
/// A column is not made narrower than this.
const NARROWEST: usize = 4;

/// How rows of several lines are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tall {
    /// By a line between all rows: for prose.
    Apart,
    /// By their further lines, which are indented: for many short rows.
    Hanging,
}

/// The lines of a table: its first row is the heading.
pub fn lines(rows: &[Vec<Text>], width: usize, tall: Tall) -> Vec<String> {
    let widths = fitted(natural(rows), width);
    let wrapped = |(cell, width): (&Text, &usize)| match tall {
        Tall::Hanging if cell.width() > *width => cell.hanging(*width, HANG),
        _ => cell.wrapped(*width),
    };
    let cells: Vec<Vec<Vec<Text>>> =
        rows.iter().map(|row| row.iter().zip(&widths).map(wrapped).collect()).collect();
    let tall = tall == Tall::Apart && cells.iter().skip(1).flatten().any(|cell| cell.len() > 1);

    let mut lines = Vec::new();
    for (at, row) in cells.iter().enumerate() {
        if tall && at > 1 {
            lines.push(String::new());
        }
        let height = row.iter().map(Vec::len).max().unwrap_or(0);
        lines.extend((0..height).map(|line| across(row, line, &widths)));
        if at == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            lines.push(rules.join(&" ".repeat(GAP)));
        }
    }
    lines
}

fn natural(rows: &[Vec<Text>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    (0..columns)
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(Text::width).max().unwrap_or(0))
        .collect()
}

/// Takes from the widest column until the table fits.
fn fitted(mut widths: Vec<usize>, width: usize) -> Vec<usize> {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => break,
        }
    }
    widths
}

fn across(row: &[Vec<Text>], line: usize, widths: &[usize]) -> String {
    let mut across = String::new();
    let mut columns = 0; // in the line so far, escape sequences not counted
    let mut start = 0;
    for (cell, width) in row.iter().zip(widths) {
        if let Some(text) = cell.get(line).filter(|text| !text.is_blank()) {
            across.push_str(&" ".repeat(start - columns));
            across.push_str(&text.styled());
            columns = start + text.own_width();
        }
        start += width + GAP;
    }
    across
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstyle::Style;

    fn table(rows: &[&[&str]]) -> Vec<Vec<Text>> {
        let cell = |text: &&str| {
            let mut cell = Text::default();
            cell.push(Style::new(), text);
            cell
        };
        rows.iter().map(|row| row.iter().map(cell).collect()).collect()
    }

    #[test]
    fn columns_are_aligned() {
        let rows = table(&[&["name", "says"], &["ipc", "hi there"], &["online", ""]]);
        assert_eq!(
            lines(&rows, 80, Tall::Apart),
            ["name    says", "------  --------", "ipc     hi there", "online"]
        );
    }

    #[test]
    fn a_wide_table_wraps_its_widest_cells() {
        let rows = table(&[&["a", "b"], &["x", "one two three"], &["y", "four"]]);
        assert_eq!(
            lines(&rows, 11, Tall::Apart),
            ["a  b", "-  --------", "x  one two", "   three", "", "y  four"]
        );
        assert_eq!(
            lines(&rows, 11, Tall::Hanging),
            ["a  b", "-  --------", "x  one", "     two", "     three", "y  four"]
        );
    }
}
