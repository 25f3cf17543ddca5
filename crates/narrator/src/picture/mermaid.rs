//! Diagrams in Mermaid's notation, which GitHub draws: written, and read again.

use super::diagram::{Diagram, Step, in_place};

/// Mermaid's arrows; of two that fit, the longer comes first.
const ARROWS: [&str; 10] =
    ["<<-->>", "<<->>", "-->>", "->>", "--x", "--)", "-->", "-x", "-)", "->"];

/// Instructions about how to draw, which change nothing about who does what.
const DRAWING: [&str; 6] = ["autonumber", "activate", "deactivate", "destroy", "end", "title"];

/// What Mermaid would take for something else, and how it wants it written.
const ESCAPES: [(&str, &str); 4] = [("#", "#35;"), (";", "#59;"), ("<", "#lt;"), (">", "#gt;")];

impl Diagram {
    /// The diagram as a `sequenceDiagram`.
    pub fn mermaid(&self) -> String {
        let mut lines = vec!["sequenceDiagram".to_owned()];
        lines.extend(self.steps.iter().map(|step| match step {
            Step::Arrow { from, to, text, ends } => {
                let arrow = if *ends { "-x" } else { "->>" };
                format!("    {from}{arrow}{to}: {}", escaped(text))
            }
            Step::Note { over, text } => {
                format!("    Note over {}: {}", over.join(","), escaped(text))
            }
        }));
        lines.join("\n")
    }

    /// Reads a `sequenceDiagram`; nothing if the picture is of another kind, or not understood.
    pub fn read(text: &str) -> Option<Diagram> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        if lines.next() != Some("sequenceDiagram") {
            return None;
        }
        let mut names: Vec<(&str, &str)> = Vec::new();
        let mut diagram = Diagram::default();
        for line in lines {
            let line = line.strip_prefix("create ").unwrap_or(line);
            let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
            match first {
                "participant" | "actor" => {
                    let (short, full) = rest.split_once(" as ").unwrap_or((rest, rest));
                    names.push((short, full));
                    diagram.actors.push(full.to_owned());
                }
                "Note" | "note" => diagram.steps.push(note(rest, &names)?),
                word if DRAWING.contains(&word) || line.starts_with("%%") => {}
                _ => diagram.steps.push(arrow(line, &names)?),
            }
        }
        // Whoever is not declared stands behind those who are.
        for actor in in_place(&diagram.steps) {
            if !diagram.actors.contains(&actor) {
                diagram.actors.push(actor);
            }
        }
        Some(diagram)
    }
}

fn arrow(line: &str, names: &[(&str, &str)]) -> Option<Step> {
    let (at, arrow) = line.char_indices().find_map(|(at, _)| {
        ARROWS.iter().find(|arrow| line[at..].starts_with(**arrow)).map(|arrow| (at, arrow))
    })?;
    let from = full(&line[..at], names);
    let (to, text) = line[at + arrow.len()..].split_once(':')?;
    let to = full(to.trim_start_matches(['+', '-']), names);
    Some(Step::Arrow { from, to, text: plain(text), ends: arrow.ends_with('x') })
}

fn note(rest: &str, names: &[(&str, &str)]) -> Option<Step> {
    let (place, text) = rest.split_once(':')?;
    let place = ["over ", "left of ", "right of "]
        .iter()
        .find_map(|word| place.strip_prefix(word))
        .unwrap_or(place);
    let over = place.split(',').map(|name| full(name, names)).collect();
    Some(Step::Note { over, text: plain(text) })
}

fn full(name: &str, names: &[(&str, &str)]) -> String {
    let name = name.trim();
    let full = names.iter().find(|(short, _)| *short == name).map_or(name, |(_, full)| full);
    full.to_owned()
}

fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| {
            let escape = ESCAPES.iter().find(|(plain, _)| plain.starts_with(c));
            escape.map_or_else(|| c.to_string(), |(_, escape)| (*escape).to_owned())
        })
        .collect()
}

fn plain(text: &str) -> String {
    let text = text.replace("<br/>", " ").replace("<br>", " ");
    let text = ESCAPES.iter().rev().fold(text, |text, (plain, escape)| text.replace(escape, plain));
    text.trim().to_owned()
}
