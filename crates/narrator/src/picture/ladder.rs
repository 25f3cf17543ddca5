//! Diagrams for a terminal: a line downwards for everybody, arrows across, and the words on the right.

use super::diagram::{Diagram, Step};
use crate::sentence::wrap;

/// With less room on the right, names are shortened, and then there are no lines to draw.
const ROOM_FOR_TEXT: usize = 28;

/// The columns of the actors: where each stands, and what is written above.
struct Columns<'a> {
    actors: &'a [String],
    heads: Vec<String>,
    pitch: usize,
}

impl Diagram {
    /// The lines of the diagram, at most `width` columns each.
    pub fn ladder(&self, width: usize) -> Vec<String> {
        let full = Columns::new(&self.actors, String::clone, 2);
        let shortened = Columns::new(&self.actors, |actor| short(actor), 3);
        for columns in [full, shortened] {
            let taken = columns.pitch * columns.actors.len();
            if taken + ROOM_FOR_TEXT <= width {
                return self.draw(&columns, width - taken);
            }
        }
        self.list(width)
    }

    fn draw(&self, columns: &Columns, room: usize) -> Vec<String> {
        let mut lines = vec![columns.head()];
        for step in &self.steps {
            let (row, text) = match step {
                Step::Arrow { from, to, text, ends } => (columns.arrow(from, to, *ends), text),
                Step::Note { over, text } => (columns.note(over), text),
            };
            for (at, text) in wrap(text, room, room).iter().enumerate() {
                let row = if at == 0 { row.clone() } else { columns.row() };
                let row: String = row.into_iter().collect();
                lines.push(format!("{row}{text}").trim_end().to_owned());
            }
        }
        lines
    }

    /// Too many actors for a ladder: one line for each step.
    fn list(&self, width: usize) -> Vec<String> {
        let lines = self.steps.iter().map(|step| match step {
            Step::Arrow { from, to, text, .. } => format!("{from} -> {to}: {text}"),
            Step::Note { over, text } => format!("({}: {text})", over.join(", ")),
        });
        lines.flat_map(|line| wrap(&line, width, width)).collect()
    }
}

impl<'a> Columns<'a> {
    fn new(actors: &'a [String], name: impl Fn(&String) -> String, gap: usize) -> Columns<'a> {
        let heads: Vec<String> = actors.iter().map(name).collect();
        let widest = heads.iter().map(|head| head.chars().count()).max().unwrap_or(0);
        Columns { actors, heads, pitch: widest + gap }
    }

    fn head(&self) -> String {
        let pitch = self.pitch;
        let heads: String = self.heads.iter().map(|head| format!("{head:<pitch$}")).collect();
        heads.trim_end().to_owned()
    }

    /// Everybody's line, and nothing else.
    fn row(&self) -> Vec<char> {
        let mut row = vec![' '; self.pitch * self.actors.len()];
        for at in 0..self.actors.len() {
            row[self.middle(at)] = '|';
        }
        row
    }

    fn arrow(&self, from: &str, to: &str, ends: bool) -> Vec<char> {
        let mut row = self.row();
        let (start, end) = (self.of(from), self.of(to));
        let (left, right) = (start.min(end), start.max(end));
        row[left + 1..right.max(left + 1)].fill('-');
        let (tip, forward) = if start == end {
            (start + 1, '<')
        } else if start < end {
            (end - 1, '>')
        } else {
            (end + 1, '<')
        };
        row[tip] = if ends { 'x' } else { forward };
        row
    }

    fn note(&self, over: &[String]) -> Vec<char> {
        let mut row = self.row();
        for actor in over {
            let at = self.of(actor);
            row[at] = '*';
        }
        row
    }

    fn of(&self, actor: &str) -> usize {
        self.middle(self.actors.iter().position(|it| it == actor).unwrap_or(0))
    }

    /// Below the middle of a name.
    fn middle(&self, at: usize) -> usize {
        at * self.pitch + self.heads[at].chars().count() / 2
    }
}

/// `worker 1` as `W1`.
fn short(actor: &str) -> String {
    let (kind, number) = actor.split_once(' ').unwrap_or((actor, ""));
    let letter: String = kind.chars().take(1).flat_map(char::to_uppercase).collect();
    letter + number
}
