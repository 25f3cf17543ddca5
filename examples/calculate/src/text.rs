//! Numbers, as a person wants to read them.

use crate::kernel::Answer;

/// So many of the first digits, and of the last ones, are shown.
const ENDS: usize = 8;

/// A long row of digits by its first and its last ones.
pub(crate) fn short(digits: &str) -> String {
    let length = digits.len();
    if length <= 3 * ENDS {
        return digits.to_owned();
    }
    format!("{}...{}", &digits[..ENDS], &digits[length - ENDS..])
}

/// What came of a task, in one line.
pub(crate) fn result(digits: &str, answer: &Answer) -> String {
    let mut text = short(digits);
    if text.len() < digits.len() {
        text += &format!(", {} digits", digits.len());
    }
    if !answer.last.is_empty() {
        let last: Vec<String> =
            answer.last.iter().map(u64::to_string).collect();
        text += &format!("; the last: {}", last.join(", "));
    }
    text
}

/// How long something took, when milliseconds are enough.
pub(crate) fn ms(seconds: f64) -> String {
    format!("{:.0} ms", seconds * 1000.0)
}

/// How long something took, or may take.
pub(crate) fn time(seconds: f64) -> String {
    const HOUR: f64 = 3600.0;
    const YEAR: f64 = 365.25 * 24.0 * HOUR;
    match seconds {
        s if s < 1.0 => ms(s),
        s if s < 120.0 => format!("{s:.1} seconds"),
        s if s < 2.0 * HOUR => format!("{:.0} minutes", s / 60.0),
        s if s < 48.0 * HOUR => format!("{:.0} hours", s / HOUR),
        s if s < 2.0 * YEAR => format!("{:.0} days", s / (24.0 * HOUR)),
        s if s < 10_000.0 * YEAR => format!("{:.0} years", s / YEAR),
        _ => "ages".to_owned(),
    }
}

/// An amount of memory.
pub(crate) fn bytes(bytes: f64) -> String {
    let mut amount = bytes / 1024.0 / 1024.0;
    for unit in ["MiB", "GiB", "TiB", "PiB"] {
        if amount < 1024.0 {
            return format!("{amount:.0} {unit}");
        }
        amount /= 1024.0;
    }
    format!("{amount:.0} EiB")
}

pub(crate) fn numbers(count: usize) -> String {
    many(count, "number")
}

pub(crate) fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(last: &[u64]) -> Answer {
        Answer { last: last.to_vec(), ..Answer::default() }
    }

    #[test]
    fn short_numbers_are_whole_and_long_ones_have_two_ends() {
        assert_eq!(short("0"), "0");
        assert_eq!(short(&"1".repeat(24)), "1".repeat(24));
        assert_eq!(short("1234567890123456789012345"), "12345678...89012345");
    }

    #[test]
    fn a_result_says_how_long_it_is_only_if_it_is_not_whole() {
        assert_eq!(result("120", &answer(&[])), "120");
        assert_eq!(result("25", &answer(&[89, 97])), "25; the last: 89, 97");
        let digits = format!("12345678{}00000000", "5".repeat(984));
        assert_eq!(
            result(&digits, &answer(&[])),
            "12345678...00000000, 1000 digits"
        );
    }

    #[test]
    fn times_have_the_unit_that_fits() {
        for (seconds, text) in [
            (0.0123, "12 ms"),
            (1.62, "1.6 seconds"),
            (600.0, "10 minutes"),
            (36_000.0, "10 hours"),
            (864_000.0, "10 days"),
            (3.2e9, "101 years"),
            (f64::INFINITY, "ages"),
        ] {
            assert_eq!(time(seconds), text);
        }
        assert_eq!(bytes(2e6), "2 MiB");
        assert_eq!(bytes(8e10), "75 GiB");
        assert_eq!(bytes(2e12), "2 TiB");
        assert_eq!(bytes(3.5e21), "3036 EiB");
    }
}
