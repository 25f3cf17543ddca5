//! Why nobody serves: said by the first worker, told by the primary.

use std::io::ErrorKind;

use cluster::Error;
use narrator::Failure;

/// Whether somebody else has the port.
pub fn is_taken(error: &Error) -> bool {
    matches!(error, Error::Listen { source, .. } if source.kind() == ErrorKind::AddrInUse)
}

/// What a worker that cannot listen says, and what to do: its lesson takes `--port`.
pub fn advise(error: Error) -> Failure {
    let advice = match is_taken(&error) {
        true => "End what listens there, or take any free port: --port 0",
        false => &error.advice(),
    };
    Failure::new(error.to_string(), advice)
}

/// Why the primary gives up before anybody has listened: the two lines that a worker left.
pub fn cannot_begin(last_words: &[String]) -> Failure {
    let after = |word: &str| {
        let mut lines = last_words.iter();
        lines.find_map(|line| line.strip_prefix(word)).map(str::to_owned)
    };
    Failure::new(
        after("error: ").unwrap_or_else(|| "no worker listens".to_owned()),
        after("help: ").unwrap_or_else(|| last_words.join(" ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        format!("{:#}", cannot_begin(&words))
    }

    #[test]
    fn the_last_words_of_a_worker_become_those_of_the_primary() {
        let said = ["note: 1", "error: it is taken", "help: take another one"];
        assert_eq!(lines(&said), "it is taken\ntake another one");
    }

    #[test]
    fn a_worker_that_gives_no_reason_is_quoted() {
        assert_eq!(lines(&["who", "knows"]), "no worker listens\nwho knows");
    }
}
