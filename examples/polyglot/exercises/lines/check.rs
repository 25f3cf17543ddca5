//! Lines of many lengths, torn at every place.

mod exercise;
mod solution;

use cluster::Role;
use exercises::{Chance, Exercise, Verdict, same};

type Feed = fn(&mut Vec<u8>, &[u8]) -> Vec<String>;

const LINES: [&str; 6] = [
    "",
    "1",
    r#""hi there""#,
    r#"{"cmd":"NODE_CLUSTER","act":"online"}"#,
    r#""grüße, 世界""#,
    r#""a newline is \n in a text""#,
];

pub fn exercise() -> Exercise {
    Exercise::new(file!(), judge, exercise::feed, solution::feed)
}

fn judge(_: Role, feed: Feed) -> Verdict {
    let mut chance = Chance::new(10);
    for _ in 0..500 {
        let mut rest = Vec::new();
        let numbers = chance.numbers(5, LINES.len() as u64);
        let lines: Vec<&str> =
            numbers.into_iter().map(|number| LINES[number as usize]).collect();
        let text = lines.join("\n") + "\n";
        let (mut left, mut fed) = (text.as_bytes(), 0);
        let mut seen = Vec::new();
        while !left.is_empty() {
            let length = chance.below(20) as usize % (left.len() + 1);
            let (piece, others) = left.split_at(length);
            left = others;
            fed += length;
            seen.extend(feed(&mut rest, piece));
            let whole = text.as_bytes()[..fed]
                .iter()
                .filter(|&&it| it == b'\n')
                .count();
            let what = format!("lines in the first {fed} bytes of {text:?}");
            let expected: Vec<String> =
                lines[..whole].iter().map(|&line| line.to_owned()).collect();
            same(what, &expected, &seen)?;
        }
    }
    Ok(())
}
