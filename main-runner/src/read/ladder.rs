//! Turns a sequence diagram in Mermaid's notation into lines of text: `A -> B: text`.

/// Mermaid's arrows; of two that fit, the longer comes first.
const ARROWS: [&str; 10] =
    ["<<-->>", "<<->>", "-->>", "->>", "--x", "--)", "-->", "-x", "-)", "->"];

/// Instructions about how to draw, which text cannot follow.
const DRAWING: [&str; 6] = ["autonumber", "activate", "deactivate", "destroy", "end", "title"];

/// The lines of a sequence diagram, or nothing if the picture is of another kind.
pub fn lines(diagram: &str) -> Option<Vec<String>> {
    let mut source = diagram.lines().map(str::trim).filter(|line| !line.is_empty());
    if source.next() != Some("sequenceDiagram") {
        return None;
    }
    let mut names: Vec<(&str, &str)> = Vec::new();
    let mut lines = Vec::new();
    for line in source {
        let line = line.strip_prefix("create ").unwrap_or(line);
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            "participant" | "actor" => {
                names.push(rest.split_once(" as ").unwrap_or((rest, rest)));
            }
            "Note" | "note" => lines.extend(note(rest, &names)),
            word if DRAWING.contains(&word) || line.starts_with("%%") => {}
            _ => lines.push(arrow(line, &names).unwrap_or_else(|| format!("({line})"))),
        }
    }
    Some(lines)
}

fn arrow(line: &str, names: &[(&str, &str)]) -> Option<String> {
    let (at, arrow) = line.char_indices().find_map(|(at, _)| {
        ARROWS.iter().find(|arrow| line[at..].starts_with(**arrow)).map(|arrow| (at, arrow))
    })?;
    let from = full(&line[..at], names);
    let (to, text) = line[at + arrow.len()..].split_once(':')?;
    let to = full(to.trim_start_matches(['+', '-']), names);
    Some(format!("{from} -> {to}: {}", plain(text)))
}

fn note(rest: &str, names: &[(&str, &str)]) -> Option<String> {
    let (place, text) = rest.split_once(':')?;
    let place = ["over ", "left of ", "right of "]
        .iter()
        .find_map(|word| place.strip_prefix(word))
        .unwrap_or(place);
    let about: Vec<&str> = place.split(',').map(|name| full(name, names)).collect();
    Some(format!("({}: {})", about.join(", "), plain(text)))
}

fn full<'a>(name: &'a str, names: &[(&'a str, &'a str)]) -> &'a str {
    let name = name.trim();
    names.iter().find(|(short, _)| *short == name).map_or(name, |(_, full)| full)
}

fn plain(text: &str) -> String {
    text.replace("<br/>", " ").replace("<br>", " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_one_line_with_full_names() {
        let diagram = "sequenceDiagram\n    participant P as primary\n    \
            participant W1 as worker 1\n    P->>+W1: fork()\n    W1-->>P: is online<br/>now\n    \
            Note over P,W1: they talk\n    W1-xP: exits\n    deactivate W1\n";
        assert_eq!(
            lines(diagram).unwrap_or_default(),
            [
                "primary -> worker 1: fork()",
                "worker 1 -> primary: is online now",
                "(primary, worker 1: they talk)",
                "worker 1 -> primary: exits",
            ]
        );
    }

    #[test]
    fn another_kind_of_picture_is_left_alone() {
        assert_eq!(lines("graph TD\n  A --> B\n"), None);
    }
}
