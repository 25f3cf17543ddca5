//! What varies in a transcript: `$PORT` and its like stand for what is found there the first time,
//! and for the same from then on.

use std::collections::BTreeMap;

#[derive(Default)]
pub struct Words {
    known: BTreeMap<String, String>,
}

impl Words {
    pub fn mean(&mut self, word: &str, meaning: impl ToString) {
        self.known.insert(word.to_owned(), meaning.to_string());
    }

    pub fn know(&self, word: &str) -> bool {
        self.known.contains_key(word)
    }

    /// The line with everything filled in that is known.
    pub fn fill(&self, line: &str) -> String {
        let mut filled = String::new();
        for piece in pieces(line) {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Word(word) => match self.known.get(word) {
                    Some(meaning) => filled.push_str(meaning),
                    None => filled.extend(["$", word]),
                },
            }
        }
        filled
    }

    /// Learns what the words of this line mean that nobody knows yet.
    pub fn learn(&mut self, line: &str, heard: &str) {
        let pieces = pieces(line);
        let mut rest = heard;
        for (at, piece) in pieces.iter().enumerate() {
            let length = match (piece, pieces.get(at + 1)) {
                (Piece::Text(text), _) => text.len(),
                (Piece::Word(word), _) if self.known.contains_key(*word) => self.known[*word].len(),
                (Piece::Word(_), Some(Piece::Text(next))) => rest.find(next).unwrap_or(rest.len()),
                (Piece::Word(_), _) => rest.len(),
            };
            let Some((here, later)) = rest.split_at_checked(length) else { return };
            if let Piece::Word(word) = piece {
                self.known.entry((*word).to_owned()).or_insert_with(|| here.to_owned());
            }
            rest = later;
        }
    }
}

enum Piece<'a> {
    Text(&'a str),
    Word(&'a str),
}

fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut parts = line.split('$');
    let mut pieces = vec![Piece::Text(parts.next().unwrap_or_default())];
    for part in parts {
        let end = part.find(|letter: char| !letter.is_ascii_uppercase()).unwrap_or(part.len());
        pieces.push(Piece::Word(&part[..end]));
        pieces.push(Piece::Text(&part[end..]));
    }
    pieces.retain(|piece| !matches!(piece, Piece::Text("")));
    pieces
}
