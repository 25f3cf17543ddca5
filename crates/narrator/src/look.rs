//! Which actor has which colour.
//!
//! Only the actor is coloured: the sentence says everything without it. Of the eight basic colours,
//! yellow and white vanish on a white terminal, blue and black on a black one, and red reads as
//! "something failed". Three remain, as many as a lesson has workers. They are not bold, because
//! many terminals show bold colours brighter, which is too bright on white.

use anstyle::{AnsiColor, Color, Style};

const WORKERS: [AnsiColor; 3] = [AnsiColor::Cyan, AnsiColor::Magenta, AnsiColor::Green];

/// The style of an actor's name: bold for the primary, a colour for each worker, else none.
pub(crate) fn style_of(actor: &str) -> Style {
    if actor == "primary" {
        return Style::new().bold();
    }
    match actor.strip_prefix("worker ").and_then(|number| number.parse::<usize>().ok()) {
        Some(number) => {
            let colour = WORKERS[number.wrapping_sub(1) % WORKERS.len()];
            Style::new().fg_color(Some(Color::Ansi(colour)))
        }
        None => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_workers_have_three_colours_and_the_fourth_starts_again() {
        let [one, two, three, four] =
            ["worker 1", "worker 2", "worker 3", "worker 4"].map(style_of);
        assert!(one != two && two != three && one != three);
        assert_eq!(one, four);
    }

    #[test]
    fn the_primary_is_bold_and_strangers_are_plain() {
        assert_eq!(style_of("primary"), Style::new().bold());
        assert_eq!(style_of("visitor"), Style::new());
        assert_eq!(style_of("worker one"), Style::new());
    }
}
