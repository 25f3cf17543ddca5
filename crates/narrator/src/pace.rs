//! How fast a story is told: the pause between two sentences.

use std::time::{Duration, Instant};

/// Reads a pause: `700ms`, `2s`, `1.5s`, or a plain number of seconds.
pub(crate) fn parse_pause(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    // `parse` alone would also take "inf", "1e9" and "-1".
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = if plain { number.parse::<f64>().ok() } else { None };
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds * unit).ok())
        .ok_or_else(|| "try 700ms, 2s or 1.5s".to_owned())
}

/// Keeps a pause between sentences; who comes late anyway does not wait.
#[derive(Debug)]
pub(crate) struct Slow {
    pause: Duration,
    last: Option<Instant>,
}

impl Slow {
    pub(crate) fn new(pause: Duration) -> Slow {
        Slow { pause, last: None }
    }

    /// How long to wait before a sentence that is ready `now`.
    pub(crate) fn wait_at(&self, now: Instant) -> Duration {
        match self.last {
            Some(last) => self.pause.saturating_sub(now.saturating_duration_since(last)),
            None => Duration::ZERO,
        }
    }

    /// A sentence was printed `now`.
    pub(crate) fn printed(&mut self, now: Instant) {
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_read_with_and_without_a_unit() {
        let read = |text| parse_pause(text).map_err(|_| ());
        assert_eq!(read("700ms"), Ok(Duration::from_millis(700)));
        assert_eq!(read("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(read("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(read("3"), Ok(Duration::from_secs(3)));
        assert_eq!(read("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(read("0"), Ok(Duration::ZERO));
    }

    #[test]
    fn anything_else_is_refused_with_examples() {
        for text in ["", "s", "ms", "-1", "1e9", "inf", "nan", "2 s", "1.2.3", "2m", "two"] {
            let advice = parse_pause(text).unwrap_err();
            assert!(advice.contains("700ms"), "{text}: {advice}");
        }
        assert!(parse_pause(&"9".repeat(400)).is_err());
    }

    #[test]
    fn the_first_sentence_comes_at_once_and_the_next_after_the_rest_of_the_pause() {
        let start = Instant::now();
        let later = |ms| start + Duration::from_millis(ms);
        let mut slow = Slow::new(Duration::from_millis(700));
        assert_eq!(slow.wait_at(start), Duration::ZERO);
        slow.printed(start);
        assert_eq!(slow.wait_at(later(200)), Duration::from_millis(500));
        assert_eq!(slow.wait_at(later(900)), Duration::ZERO);
    }
}
